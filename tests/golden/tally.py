"""Which recorded cases differ, against those that are listed; for admin.py and cli.py."""
import sys


class Tally:
    """`listed` is a file of cases that differ, each with its reason: a line, then indented ones."""

    def __init__(self, listed):
        lines = listed.read_text().splitlines()
        self.known = {line for line in lines if line and not line.startswith((" ", "#"))}
        self.cases = self.differ = self.wrong = 0

    def add(self, name, found):
        """A case, and how it differs from what was recorded."""
        self.cases += 1
        self.differ += bool(found)
        if bool(found) != (name in self.known):
            self.wrong += 1
            print(f"{name}: " + ("\n    ".join(found) or "does not differ, and is listed"))
        elif found and "-v" in sys.argv:
            print(f"{name} (listed): " + "\n    ".join(found))

    def end(self):
        """Says what was counted; exit 1 if something was unexpected."""
        print(f"{self.cases - self.differ} of {self.cases} as recorded, {self.differ} differ, {self.wrong} unexpectedly")
        sys.exit(1 if self.wrong else 0)
