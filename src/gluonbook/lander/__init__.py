"""A drone that lands: one that moves up and down over the ground, a controller, and a force that is learnt.

    drone = Drone()
    flight = fly(drone, landing(), seconds=12)          # it does not know of the air, and never comes down
    flight.z[-1]

- `Drone`: what moves it, in Newtons, above all the cushion of air near the ground
- `landing`, `set_points`: where it is to be, a `Reference`
- `fly`: a flight, tick by tick, and `Flight`, what was logged
- `LearnedForce`: a Gluon net as the force that the controller reckons with; `features` are what it is told

All is NumPy but the net. Heights are in metres, time in seconds, forces in Newtons.

Source: Shi, Shi, O'Connell, Yu, Azizzadenesheli, Anandkumar, Yue and Chung, Neural lander: Stable drone landing control
using learned dynamics (2019), arXiv:1811.08027. Theirs flies in three dimensions, and its air is real.
"""

from gluonbook.lander.drone import Drone
from gluonbook.lander.flight import Flight, fly
from gluonbook.lander.learned import LearnedForce, features
from gluonbook.lander.reference import Reference, landing, set_points

__all__ = ["Drone", "Flight", "LearnedForce", "Reference", "features", "fly", "landing", "set_points"]
