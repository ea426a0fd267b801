package bird_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// pitfalls is how many the project's list has. Each has a test of its number in
// a file pitfall_*_test.go, unless it is here with the reason why not.
const pitfalls = 38

var unconcerned = map[int]string{
	29: "contact events sent to Bird's tracking were never listed: the adapter sends none, and a trigger goes to a Flow's URL",
}

func TestEveryPitfallHasATest(t *testing.T) {
	files, err := filepath.Glob("pitfall*_test.go")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	tried := map[int]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func TestPitfalls?(\d\d)(?:And(\d\d))?`).FindAllSubmatch(source, -1) {
			for _, number := range m[1:] {
				if n, err := strconv.Atoi(string(number)); err == nil {
					tried[n] = true
				}
			}
		}
	}
	for n := 1; n <= pitfalls; n++ {
		if tried[n] == (unconcerned[n] != "") {
			t.Errorf("pitfall %d: tried %v, reason %q", n, tried[n], unconcerned[n])
		}
	}
}

// TestPitfall28FiltersWithoutEffect: a search that looks at no filter answers
// with people who do not hold what was asked for, and none of them is taken.
func TestPitfall28FiltersWithoutEffect(t *testing.T) {
	s, a := connect(t, nil)
	s.Faults().Add(birdtest.Fault{Path: "/contacts/search", Status: 200, Body: `{"results":[
		{"id":"c1","featuredIdentifiers":[{"key":"emailaddress","value":"bob@example.com"}],"identifierCount":1},
		{"id":"c2","featuredIdentifiers":[{"key":"emailaddress","value":"Jane@example.com"}],"identifierCount":1}]}`})
	found, err := a.Match(t.Context(), bird.Contact, []sync.Probe{{{Name: "email", Value: sync.Text("jane@example.com")}}})
	if err != nil || len(found[0].Candidates) != 1 {
		t.Fatal(found, err)
	}
	equal(t, "found", found[0].Candidates[0].Ref, ref("c2"))
}

// TestPitfall37ConversationsAreOff: then Bird sends no event of a channel's
// conversations, and the set-up says so.
func TestPitfall37ConversationsAreOff(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		w.sim.SetConversational(birdtest.DefaultChannel, false)
		in, wait := listen(t, w.sim, "conversation.created", "conversation.updated")
		w.sim.StartConversation(create(t, w.sim, map[string]any{"msisdn": "+573000000001"}))
		wait()
		equal(t, "events", len(in.items), 0)
		need := oneWebhook("conversation.created")
		need.Channels = []string{birdtest.DefaultChannel}
		report, err := w.setup(need, bird.SetupOptions{})
		failure(t, err, sync.Fatal)
		equal(t, "state", line(t, report, "channel", birdtest.DefaultChannel).State, bird.Person)
	})
}
