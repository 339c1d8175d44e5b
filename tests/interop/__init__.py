"""Other people's clients and the official conformance suite; `make test-interop`."""
