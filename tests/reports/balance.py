"""Whether a page is well-formed."""

from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "link", "img", "input", "wbr"}


class Balance(HTMLParser):
    """Which tags are open, and every one that closes what is not."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)
