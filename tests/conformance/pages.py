# What lxml finds in pages: a line "links paragraphs name" for each file named on standard input.
import sys

from lxml import etree, html

links, paragraphs = etree.XPath("//a/@href"), etree.XPath("//p")
parser = html.HTMLParser(encoding="utf-8")
for name in sys.stdin.read().split("\n"):
    if name:
        tree = html.document_fromstring(open(name, "rb").read(), parser=parser)
        print(len(links(tree)), len(paragraphs(tree)), name)
