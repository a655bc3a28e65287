"""Where the callee is: states and time zones, from the number and from what the contact's row says.

`place` puts the evidence together, `tables` hold what is known of states, `clocks` compare time zones.
"""

from engine.rules.places.place import Place, place_of, state_of
from engine.rules.places.tables import DIGEST, TABLES, State, Table

__all__ = ["DIGEST", "TABLES", "Place", "State", "Table", "place_of", "state_of"]
