"""A server of exported files over HTTP: the Open Inference Protocol, and answers in words."""
