"""`python -m owlkit`"""

import sys

from owlkit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
