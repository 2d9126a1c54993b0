"""What the fork server imports, from which the processes of trials are forked. Importing this module does it."""

from __future__ import annotations

from zoo.backend.startup import import_keras, quiet_startup

import_keras()
with quiet_startup():
    import zoo.data.sources.load
    import zoo.training.fit  # noqa: F401
