"""The API of Divi's cloud client, on the jobs, users and limits of the service."""
