package sync

import (
	"context"
	"hash/fnv"
	"math"
	"slices"
)

// A Sample chooses pairs by a hash of their links, so that the same ones are
// chosen again as long as the links are the same. The zero Sample is all of them.
type Sample struct {
	// Percent is the part of the pairs, more than 0 and less than 100; 0 is all.
	Percent float64
	// Most is how many pairs at the most, 0 for any number.
	Most int
	// Seed makes another choice.
	Seed string
}

// A draw is what a sample chose.
type draw struct {
	sample             Sample
	population, chosen int
	most               uint64 // of the hashes that are chosen, 0 for all
}

// draw counts the pairs of a flow and chooses some.
func (e *Engine) draw(ctx context.Context, flow string, sample Sample) (*draw, error) {
	d := &draw{sample: sample}
	var lots []uint64
	err := e.eachPair(ctx, flow, func(l *Link) bool {
		d.population++
		if sample.Most > 0 || sample.Percent > 0 {
			lots = append(lots, d.lot(l))
		}
		return false
	}, nil)
	if d.chosen = d.population; err != nil || lots == nil {
		return d, err
	}
	slices.Sort(lots)
	d.most = math.MaxUint64
	if sample.Percent > 0 && sample.Percent < 100 {
		d.most = uint64(sample.Percent / 100 * math.MaxUint64)
	}
	if sample.Most > 0 && sample.Most < len(lots) {
		d.most = min(d.most, lots[sample.Most-1])
	}
	d.chosen, _ = slices.BinarySearch(lots, d.most+1)
	if d.most == math.MaxUint64 {
		d.chosen = len(lots)
	}
	return d, nil
}

// lot is the hash of a link.
func (d *draw) lot(l *Link) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(d.sample.Seed + "\x00" + l.ID))
	// FNV leaves its high bits alike for alike texts.
	return mixed(h.Sum64())
}

// mixed spreads the bits of a hash, so that its size is evenly distributed.
func mixed(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// chooses reports whether a pair is in the sample.
func (d *draw) chooses(l *Link) bool { return d.most == 0 || d.lot(l) <= d.most }
