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
	leave, err := v.b.Enter(v.Context(), family)
	if err != nil {
		return err
	}
	v.calls++
	return leave(v.Context(), outcome)
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
		test(&vendor{T: t, b: breaker.New(breaker.Config{Name: "crm", Row: time.Second, Doubt: time.Second, Pause: 10 * time.Second})})
	})
}

func TestFaultsInARowOpenACircuit(t *testing.T) {
	bubble(t, func(v *vendor) {
		for _, outcome := range []error{errDown, errDown, nil, errDown, errDown, context.Canceled} {
			if err := v.call("reads", outcome); err != nil { // a second of doubt after each
				t.Fatal(err)
			}
		}
		if open := v.b.Open(); len(open) != 0 {
			t.Errorf("open: %+v", open)
		}
		since := time.Now()
		var last *breaker.OpenError
		if err := v.call("reads", errDown); !errors.As(err, &last) || last.Until.Before(since.Add(10*time.Second)) || time.Since(since) > 0 {
			t.Errorf("the fault that opens the circuit: %v after %s", err, time.Since(since))
		}
		v.reached(7)
		err := v.call("reads", nil)
		var open *breaker.OpenError
		if !errors.As(err, &open) || open.Family != "reads" || open.Until.Before(since.Add(10*time.Second)) || open.Until.After(since.Add(12*time.Second)) {
			t.Errorf("a call through an open circuit: %v", err)
		}
		v.reached(0)
		if err := v.call("writes", nil); err != nil {
			t.Errorf("another family: %v", err)
		}
		if c := v.b.Open(); len(c) != 1 || c[0].Family != "reads" || c[0].Why != "down" || !c[0].Since.Equal(since.Add(-2*time.Second)) {
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
			var open *breaker.OpenError
			if err := v.call("reads", errDown); !errors.As(err, &open) {
				t.Errorf("a probe that fails: %v", err)
			}
			v.reached(1)
			_ = v.call("reads", errDown)
			v.reached(0)
		}
		time.Sleep(10*time.Second + 1)
		leave, err := v.b.Enter(v.Context(), "reads")
		if err != nil {
			t.Fatal(err)
		}
		err = v.call("reads", nil)
		var open *breaker.OpenError
		if !errors.As(err, &open) || time.Until(open.Until) > 3*time.Second {
			t.Errorf("beside a slow probe: %v", err)
		}
		v.reached(0)
		go func() {
			time.Sleep(500 * time.Millisecond)
			if err := leave(t.Context(), nil); err != nil {
				t.Errorf("a good probe: %v", err)
			}
		}()
		if err := v.call("reads", nil); err != nil {
			t.Errorf("a call that waits for the probe: %v", err)
		}
		if c := v.b.Open(); len(c) != 0 {
			t.Errorf("open after a good probe: %+v", c)
		}
		for range 5 {
			_ = v.call("reads", nil)
		}
		v.reached(6)
	})
}

// Calls that meet a fault together learn whose it is from those that follow.
func TestWhoseAFaultIs(t *testing.T) {
	for name, tt := range map[string]struct {
		next []error // outcomes, 300 ms apart
		down bool
		took time.Duration
	}{
		"the next call is answered":  {[]error{nil}, false, 300 * time.Millisecond},
		"a later call is answered":   {[]error{errDown, errDown, nil}, false, 900 * time.Millisecond},
		"nobody else calls":          {nil, false, time.Second},
		"nobody is answered":         {[]error{errDown, errDown, errDown, errDown}, true, 900 * time.Millisecond},
		"the next call is abandoned": {[]error{context.Canceled}, false, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				closed := 0
				b := breaker.New(breaker.Config{Row: 700 * time.Millisecond, Doubt: time.Second, Closed: func(string) { closed++ }})
				var all stdsync.WaitGroup
				began := time.Now()
				for range 20 { // more than it takes, but at once
					leave, err := b.Enter(t.Context(), "calls")
					if err != nil {
						t.Fatal(err)
					}
					all.Go(func() {
						if err := leave(t.Context(), errDown); (err != nil) != tt.down || time.Since(began) != tt.took {
							t.Errorf("%v after %s, want %v after %s", err, time.Since(began), tt.down, tt.took)
						}
					})
				}
				for _, outcome := range tt.next {
					time.Sleep(300 * time.Millisecond)
					if leave, err := b.Enter(t.Context(), "calls"); err == nil {
						all.Go(func() { _ = leave(t.Context(), outcome) })
					}
				}
				all.Wait()
				if open := len(b.Open()) > 0; open != tt.down || closed > 0 {
					t.Errorf("open: %v, closed %d times", open, closed)
				}
				time.Sleep(10 * time.Second)
				if leave, err := b.Enter(t.Context(), "calls"); err != nil || leave(t.Context(), nil) != nil || (closed > 0) != tt.down {
					t.Errorf("after the outage: %v, closed %d times", err, closed)
				}
			})
		})
	}
}

// An answer to a call that was made before the first fault tells of a time when
// the vendor still was at work: it ends no doubt.
func TestALateAnswerSaysNothing(t *testing.T) {
	bubble(t, func(v *vendor) {
		v.b = breaker.New(breaker.Config{Row: 700 * time.Millisecond, Doubt: time.Second})
		early, err := v.b.Enter(v.Context(), "writes")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		met := make(chan error)
		go func() { met <- v.call("writes", errDown) }()
		synctest.Wait()
		if err := early(v.Context(), nil); err != nil {
			t.Errorf("the call that was answered: %v", err)
		}
		for range 2 {
			time.Sleep(400 * time.Millisecond)
			go func() { met <- v.call("writes", errDown) }()
		}
		for range 3 {
			var open *breaker.OpenError
			if err := <-met; !errors.As(err, &open) {
				t.Errorf("a call that met the outage: %v", err)
			}
		}
	})
}

// Who cannot read has nothing to write: writes that failed may be too few to
// open their circuit, and learn from that of the reads whose their faults were.
func TestOneCircuitTellsOfAnothersFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		answer bool // to another write
		down   bool
	}{
		"no other write":            {false, true},
		"another write is answered": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(v *vendor) {
				v.b = breaker.New(breaker.Config{Row: 700 * time.Millisecond, Doubt: 2 * time.Second, Pause: 10 * time.Second})
				met := make(chan error, 2)
				write := func() { met <- v.call("writes", errDown) }
				go write()
				for range 3 {
					time.Sleep(300 * time.Millisecond)
					go func() { _ = v.call("reads", errDown) }()
				}
				if tt.answer {
					_ = v.call("writes", nil)
				}
				time.Sleep(300 * time.Millisecond)
				_ = v.call("reads", errDown) // opens
				go write()                   // meets a circuit that is open already
				for range 2 {
					var open *breaker.OpenError
					if err := <-met; errors.As(err, &open) != tt.down || tt.down && time.Until(open.Until) < 9*time.Second {
						t.Errorf("a write that met a fault: %v", err)
					}
					tt.down = true // nothing was answered since
				}
				if open := v.b.Open(); len(open) != 1 || open[0].Family != "reads" {
					t.Errorf("open: %+v", open)
				}
			})
		})
	}
}

// Only the first outcome of a call counts, so that one can be told in any case.
func TestAnOutcomeIsToldOnce(t *testing.T) {
	bubble(t, func(v *vendor) {
		for range 4 {
			leave, err := v.b.Enter(v.Context(), "reads")
			if err != nil {
				t.Fatal(err)
			}
			for _, outcome := range []error{context.Canceled, errDown} {
				if err := leave(v.Context(), outcome); err != nil {
					t.Errorf("%v: %v", outcome, err)
				}
			}
		}
		if open := v.b.Open(); len(open) > 0 {
			t.Errorf("open: %+v", open)
		}
	})
}

func TestBreakersAreSafeForConcurrentUse(t *testing.T) {
	b := breaker.New(breaker.Config{Faults: 2, Row: 1, Doubt: time.Microsecond, Pause: time.Millisecond})
	var wg stdsync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 500 {
				if leave, err := b.Enter(t.Context(), "calls"); err == nil {
					_ = leave(t.Context(), map[bool]error{true: errDown}[(n+i)%3 > 0])
				}
				b.Open()
			}
		})
	}
	wg.Wait()
}
