"""Exported files laid out for servers: Triton, KServe, a container."""
