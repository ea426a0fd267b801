package websig_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

func TestHushTellsOfEachKindOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h websig.Hush
		told := map[string][]int{}
		note := func(kind string) { h.Note(kind, func(requests int) { told[kind] = append(told[kind], requests) }) }
		for range 1000 {
			note("age")
			note("size")
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		note("age")
		time.Sleep(time.Hour)
		note("age")
		if !slices.Equal(told["age"], []int{1, 1000, 1}) || !slices.Equal(told["size"], []int{1}) {
			t.Errorf("told %v", told)
		}
	})
}
