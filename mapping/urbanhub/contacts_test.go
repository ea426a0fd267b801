package urbanhub_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
)

func TestYAMLIsTheBuilder(t *testing.T) {
	loaded, err := mapping.Load("urbanhub.yaml", urbanhub.YAML())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(urbanhub.ContactSpec(urbanhub.Options{}), loaded); diff != "" {
		t.Errorf("builder and YAML differ (-builder +YAML):\n%s", diff)
	}
	if _, err := urbanhub.Contacts(urbanhub.Options{}); err != nil {
		t.Fatal(err)
	}
}
