package main

import (
	"math"
	"slices"
	"time"
)

// median is the middle of some values, the mean of the two in the middle of
// an even number, 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func extremes(values []float64) (least, most float64) { return slices.Min(values), slices.Max(values) }

// quantile is the value in milliseconds that the share q of the durations do
// not exceed, 0 of none.
func quantile(lags []time.Duration, q float64) float64 {
	if len(lags) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(lags))
	i := max(int(math.Ceil(q*float64(len(sorted))))-1, 0)
	return float64(sorted[i].Microseconds()) / 1000
}
