"""The API of Divi's cloud client, on the engine of the service: what its documents mean here."""
