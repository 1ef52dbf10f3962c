"""The checks in `client` run in the environments of Divi's clients, not in this one."""

collect_ignore = ["client"]
