"""The chief for workers that speak keras-tuner's own protocol: they ask for trials, and say when these have ended.

Everything else of that protocol is refused: values and outcomes go through the search's folder.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keras_tuner import HyperParameters
from keras_tuner.engine.trial import Trial, TrialStatus

from zoo.search.keras_tuner_internals import ORACLE_SERVICE, get_service
from zoo.search.rpc import answered, import_grpc

if TYPE_CHECKING:
    from zoo.search.chief import Chief


def keras_tuner_service(chief: Chief) -> Any:
    """Return a handler for a gRPC server with keras-tuner's `CreateTrial` and `EndTrial`."""
    grpc, messages = import_grpc(), get_service()

    def create(request: Any) -> Any:
        answer = chief.take({"worker": request.tuner_id})
        values = HyperParameters()
        number = answer["number"]
        if number is not None:
            known = chief.state.store.records[number].values
            values.values = {key: _plain(value) for key, value in known.items()}
        trial = Trial(values, trial_id="" if number is None else str(number), status=answer["status"])
        return messages.CreateTrialResponse(trial=trial.to_proto())

    def end(request: Any) -> Any:
        trial = Trial.from_proto(request.trial)
        if not str(trial.trial_id).isdecimal():
            raise ValueError("trial_id: expected the number of a trial")
        number = int(trial.trial_id)
        failed = trial.status != TrialStatus.COMPLETED
        chief.put({"worker": chief.owner_of(number), "number": number, "failed": failed})
        return messages.EndTrialResponse()

    def handler(call: Any, request: Any, response: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            answered(call), request_deserializer=request.FromString, response_serializer=response.SerializeToString
        )

    return grpc.method_handlers_generic_handler(
        ORACLE_SERVICE,
        {
            "CreateTrial": handler(create, messages.CreateTrialRequest, messages.CreateTrialResponse),
            "EndTrial": handler(end, messages.EndTrialRequest, messages.EndTrialResponse),
        },
    )


def _plain(value: Any) -> Any:
    """Return a value as the protocol has it: a number, a text or a bool, and all else as JSON."""
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)
