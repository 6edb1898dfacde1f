// Go's net/http as its documentation recommends: one Client and Transport for all, as many idle
// connections kept as are used, each body read to its end and closed.
//
//	go WORKLOAD URL COUNT FLYING [CA]
//
// contract.py says what the workloads are. Prints one JSON line with what it got.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const sample = 16 // the latency of every so many requests is taken

var (
	workload, url         string
	count, flying         int64
	taken                 int64 // numbers given out
	ok, bytes, chars, sum int64
	lock                  sync.Mutex
	latencies             []float64
)

type document struct {
	Items []struct {
		Id    int64
		Name  string
		Tags  []string
		Price float64
		Stock bool
	}
}

func urlOf(n int64) string {
	if workload == "hosts" {
		return strings.Replace(url, "HOST", fmt.Sprintf("127.%d.%d.%d", 1+n/62500, n/250%250, 1+n%250), 1)
	}
	return url
}

func transport(ca string) *http.Transport {
	t := &http.Transport{
		MaxIdleConns:        int(flying),
		MaxIdleConnsPerHost: int(flying),
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   workload == "h2",
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			panic(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		t.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return t
}

func get(client *http.Client, n int64) error {
	start := time.Now()
	res, err := client.Get(urlOf(n))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if workload == "json" {
		var doc document
		if err := json.Unmarshal(body, &doc); err != nil {
			return err
		}
		atomic.AddInt64(&sum, int64(len(doc.Items)))
	}
	if res.StatusCode == 200 {
		atomic.AddInt64(&ok, 1)
	}
	atomic.AddInt64(&chars, int64(len(res.Header.Get("Content-Type"))))
	atomic.AddInt64(&bytes, int64(len(body)))
	if n%sample == 0 {
		lock.Lock()
		latencies = append(latencies, float64(time.Since(start).Microseconds())/1000)
		lock.Unlock()
	}
	return nil
}

func work(client *http.Client, done *sync.WaitGroup) {
	defer done.Done()
	for {
		n := atomic.AddInt64(&taken, 1) - 1
		if n >= count {
			return
		}
		if err := get(client, n); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func download(client *http.Client) {
	res, err := client.Get(url)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	target := io.Discard
	if workload == "save" {
		file, err := os.Create(os.Getenv("BENCH_OUT"))
		if err != nil {
			panic(err)
		}
		defer file.Close()
		target = file
	}
	if bytes, err = io.Copy(target, res.Body); err != nil {
		panic(err)
	}
	if res.StatusCode == 200 {
		ok = 1
	}
}

func report(start time.Time) {
	found := map[string]any{"ok": ok, "bytes": bytes, "sum": sum, "wall_s": time.Since(start).Seconds()}
	if len(latencies) > 0 {
		sort.Float64s(latencies)
		found["p50"] = latencies[len(latencies)/2]
		found["p99"] = latencies[len(latencies)*99/100]
	}
	line, _ := json.Marshal(found)
	fmt.Println(string(line))
}

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: go WORKLOAD URL COUNT FLYING [CA]")
		os.Exit(2)
	}
	workload, url = os.Args[1], os.Args[2]
	count, _ = strconv.ParseInt(os.Args[3], 10, 64)
	flying, _ = strconv.ParseInt(os.Args[4], 10, 64)
	ca := ""
	if len(os.Args) > 5 {
		ca = os.Args[5]
	}
	client := &http.Client{Transport: transport(ca)}
	start := time.Now()
	if workload == "save" || workload == "stream" {
		download(client)
	} else {
		client.Timeout = 30 * time.Second
		var done sync.WaitGroup
		for i := int64(0); i < flying && i < count; i++ {
			done.Add(1)
			go work(client, &done)
		}
		done.Wait()
	}
	report(start)
}
