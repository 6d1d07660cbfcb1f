"""Postgres and Temporal on this machine, for users who configure no server of their own.

``stack`` is the entrance: it yields the addresses of both servers. Each server is run by a
``server_supervisor``, a small process that starts it for the first user of a home folder and stops
it after the last. ``postgres`` and ``temporal`` know their programs; ``process`` runs any program so
that it never outlives its parent.
"""
