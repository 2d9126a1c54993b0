"""What the process imports that trials are forked from; importing this module is all it does."""

from __future__ import annotations

from zoo.backend.startup import import_keras, quiet_startup

import_keras()
with quiet_startup():
    import zoo.data.sources.load
    import zoo.training.fit  # noqa: F401
