package redistest

import (
	"context"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(Main(m)) }

func TestSlotOf(t *testing.T) {
	for key, want := range map[string]int{"123456789": 12739, "a{123456789}b{x}": 12739, "foo": 12182} {
		if got := SlotOf(key); got != want {
			t.Errorf("the slot of %q is %d, want %d", key, got, want)
		}
	}
	if SlotOf("{}a") == SlotOf("{}b") {
		t.Error("empty braces count as a tag")
	}
}

func TestASpaceIsEmptiedAndNobodyElses(t *testing.T) {
	other := New(t)
	ctx, kept := context.Background(), other.Prefix()
	if err := other.Client.Set(ctx, kept, "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	var gone []string
	t.Run("space", func(t *testing.T) {
		s := New(t)
		gone = []string{s.Prefix(), "{" + s.Prefix() + "}:x"}
		for _, key := range gone {
			if err := s.Client.Set(ctx, key, "x", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n := other.Client.Exists(ctx, gone...).Val(); n != 0 {
		t.Errorf("%d keys outlived their test", n)
	}
	if n := other.Client.Exists(ctx, kept).Val(); n != 1 {
		t.Error("a key of another test is gone")
	}
}
