"""Scrapy: a spider run by CrawlerProcess, its logging off and its limits as wide as the work."""
import scrapy
from contract import Run
from scrapy.crawler import CrawlerProcess

run = Run()


class Spider(scrapy.Spider):
    name = "peer"

    def start_requests(self):
        for _, url in run.urls():
            yield scrapy.Request(url, dont_filter=True)

    def parse(self, response):
        run.ok += response.status == 200
        run.bytes += len(response.body)
        if run.workload == "scrape":
            run.record(response.css(".quote span.text::text").getall(), response.css("li.next a::attr(href)").getall())
        elif run.workload == "json":
            run.sum += len(response.json()["items"])


if run.count:
    process = CrawlerProcess(settings={
        "LOG_ENABLED": False,
        "CONCURRENT_REQUESTS": run.flying,
        "CONCURRENT_REQUESTS_PER_DOMAIN": run.flying,
        "TELNETCONSOLE_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "COOKIES_ENABLED": False,
        "RETRY_ENABLED": False,
        "REQUEST_FINGERPRINTER_IMPLEMENTATION": "2.7",
        "REACTOR_THREADPOOL_MAXSIZE": 20,
    })
    process.crawl(Spider)
    process.start()
run.report()
