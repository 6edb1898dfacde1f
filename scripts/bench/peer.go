// The same work in Go, as net/http's documentation recommends: one Client and Transport
// for all, as many idle connections kept as are used, each body read to its end and closed.
//
//	peer URL CONCURRENCY TOTAL
//
// Prints one JSON line with what it got; the caller measures.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var left, ok, bytes, chars int64

func get(client *http.Client, url string) error {
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode == 200 {
		atomic.AddInt64(&ok, 1)
	}
	atomic.AddInt64(&chars, int64(len(res.Header.Get("Content-Type"))))
	atomic.AddInt64(&bytes, int64(len(body)))
	return nil
}

func work(client *http.Client, url string, done *sync.WaitGroup) {
	defer done.Done()
	for atomic.AddInt64(&left, -1) >= 0 {
		if err := get(client, url); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: peer URL CONCURRENCY TOTAL")
		os.Exit(2)
	}
	concurrency, _ := strconv.Atoi(os.Args[2])
	total, _ := strconv.Atoi(os.Args[3])
	left = int64(total)
	client := &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			MaxIdleConns:        concurrency,
			MaxIdleConnsPerHost: concurrency,
			MaxConnsPerHost:     concurrency,
			IdleConnTimeout:     90 * time.Second,
		},
	}
	var done sync.WaitGroup
	for i := 0; i < concurrency; i++ {
		done.Add(1)
		go work(client, os.Args[1], &done)
	}
	done.Wait()
	fmt.Printf("{\"ok\":%d,\"bytes\":%d}\n", ok, bytes)
}
