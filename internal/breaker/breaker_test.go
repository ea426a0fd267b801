package breaker_test

import (
	"context"
	"errors"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/breaker"
)

var errDown = errors.New("down")

// A vendor counts the calls that reach it.
type vendor struct {
	*testing.T
	b     *breaker.Breaker
	calls int
}

func (v *vendor) call(family string, outcome error) error {
	leave, err := v.b.Enter(family)
	if err != nil {
		return err
	}
	v.calls++
	leave(outcome)
	return nil
}

func (v *vendor) reached(want int) {
	v.Helper()
	if v.calls != want {
		v.Errorf("%d calls reached the vendor, want %d", v.calls, want)
	}
	v.calls = 0
}

func bubble(t *testing.T, test func(v *vendor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(&vendor{T: t, b: breaker.New(breaker.Config{Name: "crm", Faults: 3, Pause: 10 * time.Second})})
	})
}

func TestFaultsInARowOpenACircuit(t *testing.T) {
	bubble(t, func(v *vendor) {
		for _, outcome := range []error{errDown, errDown, nil, errDown, errDown, context.Canceled} {
			if err := v.call("reads", outcome); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if open := v.b.Open(); len(open) != 0 {
			t.Errorf("open: %+v", open)
		}
		_ = v.call("reads", errDown)
		v.reached(7)
		since := time.Now()
		err := v.call("reads", nil)
		var open *breaker.OpenError
		if !errors.As(err, &open) || open.Family != "reads" || open.Until.Before(since.Add(10*time.Second)) || open.Until.After(since.Add(12*time.Second)) {
			t.Errorf("a call through an open circuit: %v", err)
		}
		v.reached(0)
		if err := v.call("writes", nil); err != nil {
			t.Errorf("another family: %v", err)
		}
		if c := v.b.Open(); len(c) != 1 || c[0].Family != "reads" || c[0].Why != "down" || !c[0].Since.Equal(since.Add(-3*time.Second)) {
			t.Errorf("open: %+v", c)
		}
	})
}

func TestOneProbeAtATimeClosesIt(t *testing.T) {
	bubble(t, func(v *vendor) {
		for range 3 {
			_ = v.call("reads", errDown)
		}
		v.reached(3)
		for range 3 { // failing probes
			time.Sleep(10*time.Second + 1)
			_ = v.call("reads", errDown)
			v.reached(1)
			_ = v.call("reads", errDown)
			v.reached(0)
		}
		time.Sleep(10*time.Second + 1)
		leave, err := v.b.Enter("reads")
		if err != nil {
			t.Fatal(err)
		}
		err = v.call("reads", nil)
		var open *breaker.OpenError
		if !errors.As(err, &open) || time.Until(open.Until) > 3*time.Second {
			t.Errorf("beside the probe: %v", err)
		}
		leave(nil)
		if c := v.b.Open(); len(c) != 0 {
			t.Errorf("open after a good probe: %+v", c)
		}
		for range 5 {
			_ = v.call("reads", nil)
		}
		v.reached(5)
	})
}

func TestBreakersAreSafeForConcurrentUse(t *testing.T) {
	b := breaker.New(breaker.Config{Faults: 2, Pause: time.Millisecond})
	var wg stdsync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 500 {
				if leave, err := b.Enter("calls"); err == nil {
					leave(map[bool]error{true: errDown}[(n+i)%3 > 0])
				}
				b.Open()
			}
		})
	}
	wg.Wait()
}
