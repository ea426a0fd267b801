package main

import (
	"context"
	"time"
)

// rates are those, in messages a second, at which latency is measured.
var rates = []int{200, 1000}

// A latencyRow is how long messages wait until the work on them begins, in
// milliseconds, when each is pushed by a call of its own.
type latencyRow struct {
	Engine string  `json:"engine"`
	Rate   int     `json:"messages_per_s"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
}

// latency measures the engines at the rates, one after the other, and takes
// the medians of the rounds.
func (b *bench) latency(ctx context.Context) error {
	type point struct {
		engine string
		rate   int
	}
	p50, p99 := map[point][]float64{}, map[point][]float64{}
	for range b.rounds {
		for _, rate := range rates {
			f := flow{groups: rate, size: 1, lasts: b.lasting(3 * time.Second)}
			for i := range makers {
				k, at := &makers[i], point{makers[i].name, rate}
				if !b.takesPart(k.name) {
					continue
				}
				lags, err := f.run(ctx, b.machine, k, nil)
				if err != nil {
					return err
				}
				p50[at], p99[at] = append(p50[at], quantile(lags, 0.5)), append(p99[at], quantile(lags, 0.99))
				progress("latency, %s at %d/s: %.2f ms, %.2f ms", k.name, rate, quantile(lags, 0.5), quantile(lags, 0.99))
			}
		}
	}
	for i := range makers {
		for _, rate := range rates {
			if at := (point{makers[i].name, rate}); len(p50[at]) > 0 {
				b.report.Latency = append(b.report.Latency, latencyRow{at.engine, rate, median(p50[at]), median(p99[at])})
			}
		}
	}
	return nil
}
