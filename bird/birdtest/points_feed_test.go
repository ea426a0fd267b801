package birdtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// feedItem searches the feed item of a conversation and returns the path at
// which it is changed, "" when the search finds none.
func feedItem(t *testing.T, s *birdtest.Server, conversation string) string {
	t.Helper()
	status, body := call(t, s, "POST", "/search/feed-items", object{"conversationIds": []string{conversation}})
	want(t, "search", status, 200)
	found := body["results"].([]any)
	if len(found) == 0 {
		return ""
	}
	item := found[0].(object)
	return "/feeds/" + item["feedId"].(string) + "/items/" + item["id"].(string)
}

func TestPoint08FeedItemsAreIndexedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		id := s.StartConversation(named(t, s, "Jane", 1))
		want(t, "at once", feedItem(t, s, id), "")
		time.Sleep(2 * time.Second)
		_, body := call(t, s, "POST", "/search/feed-items", object{"conversationIds": []string{id}})
		item := body["results"].([]any)[0].(object)
		want(t, "later", []any{item["feedId"], item["closed"], item["agentId"], item["conversationId"], item["id"] != id},
			[]any{"channel:" + birdtest.DefaultChannel, false, nil, id, true})
	})
}

func TestPoint08FeedItemsAreAssignedClosedAndReopened(t *testing.T) {
	s := newServer(t, calm())
	id := s.StartConversation(named(t, s, "Jane", 1))
	path := feedItem(t, s, id)
	agent, team := birdtest.DefaultAgent, "7d1b0c0e-2b83-4c51-9a6e-5f0d2c8b4e01"
	for _, tt := range []struct {
		name    string
		body    object
		status  int
		closed  any
		agent   any
		message any
	}{
		{"assign", object{"teamId": team, "agentId": agent}, 200, false, agent, nil},
		{"unknown agent", object{"agentId": "none"}, 404, nil, nil, "agent not found"},
		{"unassign and close", object{"agentId": nil, "teamId": nil, "closed": true}, 200, true, nil, nil},
		{"assign what is closed", object{"agentId": agent}, 422, nil, nil, "item is closed or archived"},
		{"reopen and assign at once", object{"closed": false, "agentId": agent}, 422, nil, nil, "item is closed or archived"},
		{"reopen", object{"closed": false}, 200, false, nil, nil},
		{"then assign", object{"agentId": agent}, 200, false, agent, nil},
	} {
		status, body := call(t, s, "PATCH", path, tt.body)
		want(t, tt.name, []any{status, body["closed"], body["agentId"], body["message"]}, []any{tt.status, tt.closed, tt.agent, tt.message})
	}
	for _, gone := range []string{"/feeds/channel:none/items/" + id, path + "x"} {
		status, body := call(t, s, "PATCH", gone, object{"closed": true})
		want(t, "gone", []any{status, body["message"]}, []any{404, "feed item not found"})
	}
}

func TestPoint08TheTwoConflicts(t *testing.T) {
	s := newServer(t, calm())
	jane := named(t, s, "Jane", 1)
	old := s.StartConversation(jane)
	path := feedItem(t, s, old)
	want(t, "contested", []bool{s.ContestFeedItem(old), s.ContestFeedItem("none")}, []bool{true, false})
	status, body := call(t, s, "PATCH", path, object{"closed": true})
	want(t, "a race", []any{status, body["code"]}, []any{409, "Conflict"})
	status, _ = call(t, s, "PATCH", path, object{"closed": true})
	want(t, "again", status, 200)
	s.StartConversation(jane)
	status, body = call(t, s, "PATCH", path, object{"closed": false})
	want(t, "another active one", []any{status, body}, []any{409, object{"code": "ResourceAlreadyExists",
		"message": "another active conversation exists for contact +573000000001"}})
}

func TestPoint08FeedItemsAndStatusesGoTogetherOrNot(t *testing.T) {
	for separate, status := range map[bool]string{false: "closed", true: "active"} {
		o := calm()
		o.SeparateFeedItems = separate
		s := newServer(t, o)
		h := newHook(t, 200)
		s.Subscribe("conversation.updated", h.URL, "key")
		id := s.StartConversation(named(t, s, "Jane", 1))
		call(t, s, "PATCH", feedItem(t, s, id), object{"closed": true})
		waitWebhooks(t, s)
		v, _ := s.Conversation(id)
		want(t, "status", v.Status, status)
		want(t, "told", len(h.bodies()) == 1, !separate)
		_, body := call(t, s, "PATCH", "/conversations/"+id, object{"status": status})
		want(t, "patched", body["status"], any(status))
	}
}

func TestPoint08FeedItemsAreSearched(t *testing.T) {
	s := newServer(t, calm())
	jane, bob := s.StartConversation(named(t, s, "Jane", 1)), s.StartConversation(named(t, s, "Bob", 2))
	want(t, "assigned", []bool{s.Assign(jane, birdtest.DefaultAgent), s.Assign("none", "")}, []bool{true, false})
	s.CloseConversation(bob)
	for _, tt := range []struct {
		name  string
		body  object
		found []any
	}{
		{"all", object{}, []any{bob, jane}},
		{"open", object{"closed": false}, []any{jane}},
		{"closed", object{"closed": true}, []any{bob}},
		{"of an agent", object{"agentIds": []string{birdtest.DefaultAgent}}, []any{jane}},
		{"of a team", object{"teamIds": []string{"none"}}, nil},
		{"of a conversation", object{"conversationIds": []string{bob}}, []any{bob}},
	} {
		_, body := call(t, s, "POST", "/search/feed-items", tt.body)
		var found []any
		for _, item := range body["results"].([]any) {
			found = append(found, item.(object)["conversationId"])
		}
		want(t, tt.name, found, tt.found)
	}
}

func TestPoint08AgentsAreListed(t *testing.T) {
	s := newServer(t, calm())
	s.Assign(s.StartConversation(named(t, s, "Jane", 1)), birdtest.DefaultAgent)
	for range 25 {
		s.AddAgent("Max Agent")
	}
	_, page := call(t, s, "GET", "/agents", nil)
	want(t, "25 a page", []any{len(page["results"].([]any)), page["nextPageToken"] != nil}, []any{25, true})
	status, body := call(t, s, "GET", "/agents?name=Jane&agentStatuses=active", nil)
	want(t, "Jane", []any{status, body["results"]}, []any{200, []any{object{
		"id": birdtest.DefaultAgent, "displayName": "Jane Agent", "rootItemAssignedCount": 1.0,
		"teams":        []any{object{"id": "7d1b0c0e-2b83-4c51-9a6e-5f0d2c8b4e01", "name": "Leasing"}},
		"availability": object{"status": "active", "activity": "available"}}}})
	want(t, "away", results(t, s, "/agents?agentStatuses=away", "id"), []any(nil))
}
