"""What is measured, in the order of the report."""

from build import Build
from copy_up import CopyUp, Load
from dns import Dns
from logs import Logs
from network import Network
from pull import Pull
from scale import Config, FiftyThatRun, Memory, up_and_down
from single import Chain, Exec, OneOff
from watch import Watch

TRIALS = [up_and_down(1, 10), up_and_down(10, 5), up_and_down(50, 5), up_and_down(200, 3), up_and_down(500, 3),
          FiftyThatRun, Chain, Exec, OneOff, Memory, Config, Pull, Load, CopyUp, Build, Dns, Network, Logs, Watch]
