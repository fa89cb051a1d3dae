"""Everything that must outlive the process, in one SQLite file: the only place that knows SQL.

A method that changes something is one transaction: all of it is on the disk when it returns, or none of it.
"""

from bot.store.chats import ChatTables
from bot.store.jobs import JobTables
from bot.store.personas import PersonaTables


class Store(JobTables, PersonaTables, ChatTables):
    """Use as ``async with Store.open(folder) as store``."""
