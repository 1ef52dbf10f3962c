"""The objects a client holds. Each meets `farshot.contract.AsyncJobBackend`."""
