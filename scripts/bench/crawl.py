# What Scrapy does with the shop of books, as client/crawl.lua does it, its state in JOBDIR:
#   crawl.py URL VERSIONS OUT JOBDIR     prints one JSON line
import json
import re
import sys
import time

import scrapy
from scrapy.crawler import CrawlerProcess

base, versions, out, jobdir = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
wanted = re.compile(r"/v\d+/catalogue/[^/]*_[^/]*/index\.html$")
pages = 0


class Books(scrapy.Spider):
    name = "books"
    start_urls = [f"{base}/v{n}/list.html" for n in range(1, versions + 1)]

    def parse(self, response):
        global pages
        pages += 1
        main = response.css(".product_main")
        if main:
            yield {
                "url": response.url,
                "title": main.css("h1::text").get(),
                "price": main.css(".price_color::text").get(),
                "stock": "".join(main.css(".availability::text").getall()).strip(),
                "upc": response.css("th + td::text").get(),
            }
        else:
            yield {"url": response.url}
        for href in response.css("a::attr(href), area::attr(href)").getall():
            url = response.urljoin(href)
            if wanted.search(url):
                yield scrapy.Request(url)


process = CrawlerProcess(
    {
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS": 64,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 64,
        "JOBDIR": jobdir,
        "FEEDS": {out: {"format": "jsonlines", "overwrite": True}},
        "REQUEST_FINGERPRINTER_IMPLEMENTATION": "2.7",
    }
)
began = time.monotonic()
process.crawl(Books)
process.start()
print(json.dumps({"ok": pages - versions, "seconds": time.monotonic() - began}))
