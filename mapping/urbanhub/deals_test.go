package urbanhub_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

func compiled(t *testing.T, o urbanhub.Options) *mapping.Compiled {
	t.Helper()
	set, err := urbanhub.Set(o).Compile()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func dealsOf(t testing.TB, o urbanhub.Options) *sync.Flow {
	t.Helper()
	flow, err := urbanhub.Deals(o)
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

// stockStages are those of HubSpot's own pipeline, with decisionmakerstage
// added as the schema asks.
var stockStages = []string{"appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "decisionmakerstage",
	"contractsent", "closedwon", "closedlost"}

// conversationSchema and dealSchema are what live systems tell of their fields.
var (
	conversationSchema = mapping.Schema{
		"contact_id": {Type: mapping.TypeID, ReadOnly: true}, "contact_name": {ReadOnly: true}, "name": {ReadOnly: true},
		"attributes.ai_stage": {Type: mapping.TypeEnum, Options: []string{"lead", "qualified", "tour_scheduled", "tour_completed", "application",
			"lease_signed", "unqualified"}},
		"attributes.ai_agent_type": {}, "attributes.property_interest": {}, "attributes.hubspot_deal_id": {},
		"attributes.qualification_score": {Type: mapping.TypeNumber},
		"attributes.tour_scheduled_date": {Type: mapping.TypeDateTime},
		"attributes.last_ai_interaction": {Type: mapping.TypeDateTime},
	}
	dealSchema = mapping.Schema{
		"conversation_id": {}, "dealname": {MaxLen: 65_536}, "pipeline": {Type: mapping.TypeEnum, Options: []string{"default", "1234567"}},
		"dealstage": {Type: mapping.TypeEnum, Options: stockStages}, "ai_agent_type": {}, "qualification_score": {Type: mapping.TypeNumber},
		"property_interest": {}, "tour_scheduled_date": {Type: mapping.TypeDateTime}, "last_ai_interaction": {Type: mapping.TypeDateTime},
	}
)

func TestDealsAreSound(t *testing.T) {
	if err := mapping.Check(dealsOf(t, urbanhub.Options{}), conversationSchema, dealSchema); err != nil {
		t.Error(err)
	}
}

func TestStagesMustExist(t *testing.T) {
	err := mapping.Check(dealsOf(t, urbanhub.Options{Stages: map[string]string{urbanhub.StageTourCompleted: "nowhere"}}), conversationSchema, dealSchema)
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v", err)
	}
	elsewhere := dealsOf(t, urbanhub.Options{Pipeline: "nothing"})
	if err := mapping.Check(elsewhere, conversationSchema, dealSchema); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("error %v", err)
	}
	if _, err := urbanhub.Deals(urbanhub.Options{PeoplesStages: map[string]string{"onhold": "asleep", "x": ""}}); err == nil {
		t.Error("a stage without a value is taken")
	}
}

// Names of fields in the tests.
const (
	aiStage   = "attributes.ai_stage"
	dealStage = "dealstage"
)

func TestDealRawNames(t *testing.T) {
	flow := dealsOf(t, urbanhub.Options{})
	left := []string{"id", "attributes.hubspot_deal_id", "contact_name", "name", aiStage, "attributes.ai_agent_type", "attributes.qualification_score",
		"attributes.property_interest", "attributes.tour_scheduled_date", "attributes.last_ai_interaction", "contact_id"}
	right := []string{"conversation_id", "id", "dealname", dealStage, "pipeline", "ai_agent_type", "qualification_score", "property_interest",
		"tour_scheduled_date", "last_ai_interaction"}
	if diff := cmp.Diff(left, flow.Names(sync.Left)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(right, flow.Names(sync.Right)); diff != "" {
		t.Error(diff)
	}
}

func stageField(t testing.TB, o urbanhub.Options) sync.Field {
	flow := dealsOf(t, o)
	return flow.Fields[slices.IndexFunc(flow.Fields, func(f sync.Field) bool { return f.Name == "stage" })]
}

// The table of the mission.
func TestStages(t *testing.T) {
	f := stageField(t, urbanhub.Options{})
	for ai, want := range map[string]string{
		"lead": "qualifiedtobuy", "qualified": "appointmentscheduled", "tour_scheduled": "appointmentscheduled", "tour_completed": "decisionmakerstage",
		"application": "contractsent", "lease_signed": "closedwon", "unqualified": "closedlost",
	} {
		v, err := f.Left.Get(fields(aiStage, ai))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Right.Put(v, nil)
		if err != nil || got[dealStage].String() != want || got["pipeline"].String() != "default" {
			t.Errorf("%s becomes %v, %v; want %s", ai, got, err, want)
		}
	}
}

// Six deal stages hold seven AI stages: whatever travels there and back keeps
// the AI stage, unless somebody chose a deal stage that contradicts it.
func TestAIStageIsKeptWhileTheDealStageAgrees(t *testing.T) {
	f := stageField(t, urbanhub.Options{})
	ai := []string{"lead", "qualified", "tour_scheduled", "tour_completed", "application", "lease_signed", "unqualified"}
	rapid.Check(t, func(t *rapid.T) {
		left := fields(aiStage, rapid.SampledFrom(ai).Draw(t, "ai"))
		right := fields(dealStage, rapid.SampledFrom(stockStages).Draw(t, "deal"))
		said, err := f.Right.Get(right)
		if err != nil {
			t.Fatal(err)
		}
		had, err := f.Left.Get(left)
		if err != nil {
			t.Fatal(err)
		}
		written, err := f.Left.Put(said, left)
		if err != nil {
			t.Fatal(err)
		}
		if kept := written[aiStage] == left[aiStage]; kept != (said == had) {
			t.Fatalf("%v with %v becomes %v", left, right, written)
		}
		if now, err := f.Left.Get(written); err != nil || now != said {
			t.Fatalf("%v reads as %v, %v; want %v", written, now, err, said)
		}
	})
}

func dealPlan(t *testing.T, left, right sync.Fields, base sync.Base) sync.Plan {
	t.Helper()
	planner, err := sync.NewPlanner(dealsOf(t, urbanhub.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := planner.Plan(dealView(sync.Left, left), dealView(sync.Right, right), base)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func dealView(s sync.Side, f sync.Fields) sync.View {
	v := view(s, f)
	v.Record.Kind = [2]sync.Kind{urbanhub.Conversation, urbanhub.Deal}[s]
	return v
}

var sameValue = cmp.Comparer(func(a, b sync.Value) bool { return a == b })

func TestDealIsCreated(t *testing.T) {
	talk := fields("id", "c1", "contact_id", "b1", aiStage, "qualified", "attributes.ai_agent_type", "leasing", "attributes.qualification_score", "85",
		"attributes.property_interest", "north", "attributes.tour_scheduled_date", "2026-01-25T10:00:00-05:00", "attributes.last_ai_interaction", "2026-01-20T08:00:00Z")
	want := fields("conversation_id", "c1", "dealname", "Bird conversation c1", "pipeline", "default", dealStage, "appointmentscheduled",
		"ai_agent_type", "leasing", "qualification_score", "85", "property_interest", "north", "tour_scheduled_date", "2026-01-25T15:00:00.000Z",
		"last_ai_interaction", "2026-01-20T08:00:00.000Z")
	if diff := cmp.Diff(want, dealPlan(t, talk, nil, sync.Base{}).Writes[sync.Right], sameValue); diff != "" {
		t.Error(diff)
	}
	for _, name := range [][2]string{{"name", "Two rooms"}, {"contact_name", " Ana Pérez "}} {
		talk[name[0]] = sync.Text(name[1])
		if got := dealPlan(t, talk, nil, sync.Base{}).Writes[sync.Right]["dealname"].String(); got != strings.TrimSpace(name[1]) {
			t.Errorf("with the %s the deal's name is %q", name[0], got)
		}
	}
	for _, lacking := range []string{aiStage, "contact_id"} {
		talk := talk.Clone()
		delete(talk, lacking)
		if writes := dealPlan(t, talk, nil, sync.Base{}).Writes[sync.Right]; len(writes) != 0 {
			t.Errorf("a conversation without %s becomes %v", lacking, writes)
		}
	}
}

func TestStageMovesForwardUnlessAPersonSaysSo(t *testing.T) {
	for _, tt := range []struct {
		name            string
		ai, deal        string // agreed on
		aiNow, dealNow  string
		toLeft, toRight string // what is written, "" for nothing
	}{
		{"the AI moves on", "qualified", "appointmentscheduled", "application", "appointmentscheduled", "", "contractsent"},
		{"the AI moves on within a stage", "qualified", "appointmentscheduled", "tour_scheduled", "appointmentscheduled", "", ""},
		{"a late event", "tour_completed", "decisionmakerstage", "lead", "decisionmakerstage", "tour_completed", ""},
		{"a late event, where two stages fold", "tour_scheduled", "appointmentscheduled", "lead", "appointmentscheduled", "tour_scheduled", ""},
		{"a late event for a lost deal", "unqualified", "closedlost", "qualified", "closedlost", "unqualified", ""},
		{"a lost lead signs all the same", "unqualified", "closedlost", "lease_signed", "closedlost", "", "closedwon"},
		{"a person moves on", "qualified", "appointmentscheduled", "qualified", "contractsent", "application", ""},
		{"a person moves back", "application", "contractsent", "application", "qualifiedtobuy", "lead", ""},
		{"a person reopens", "unqualified", "closedlost", "unqualified", "appointmentscheduled", "qualified", ""},
		{"a stage that only people choose", "tour_scheduled", "appointmentscheduled", "tour_scheduled", "presentationscheduled", "", ""},
		{"both, the AI further", "lead", "qualifiedtobuy", "application", "appointmentscheduled", "", "contractsent"},
		{"both, the person further", "lead", "qualifiedtobuy", "qualified", "contractsent", "application", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			left := fields("id", "c1", "contact_id", "b1", "attributes.hubspot_deal_id", "9", aiStage, tt.ai)
			right := fields("id", "9", "conversation_id", "c1", "dealname", "Bird conversation c1", "pipeline", "default", dealStage, tt.deal)
			base := sync.Base{Left: sync.Shadow{Fields: left.Clone()}, Right: sync.Shadow{Fields: right.Clone()}}
			left[aiStage], right[dealStage] = sync.Text(tt.aiNow), sync.Text(tt.dealNow)
			plan := dealPlan(t, left, right, base)
			if got := plan.Writes[sync.Left][aiStage].String(); got != tt.toLeft {
				t.Errorf("Bird is told %q, want %q", got, tt.toLeft)
			}
			if got := plan.Writes[sync.Right][dealStage].String(); got != tt.toRight {
				t.Errorf("HubSpot is told %q, want %q", got, tt.toRight)
			}
		})
	}
}

func TestStagesOfAnotherPipeline(t *testing.T) {
	o := urbanhub.Options{Pipeline: "77", Stages: map[string]string{urbanhub.StageTourScheduled: "778", urbanhub.StageTourCompleted: "decisionmakerboughtin"},
		PeoplesStages: map[string]string{"779": urbanhub.StageLead}}
	f := stageField(t, o)
	want := []string{"qualifiedtobuy", "appointmentscheduled", "778", "decisionmakerboughtin", "contractsent", "closedlost", "closedwon"}
	if diff := cmp.Diff(want, f.Policy.Order); diff != "" {
		t.Error(diff)
	}
	if got, err := f.Right.Get(fields(dealStage, "779")); err != nil || got.String() != "qualifiedtobuy" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := f.Right.Put(sync.Text("778"), nil); err != nil || got["pipeline"].String() != "77" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := f.Right.Get(fields(dealStage, "somewhere")); sync.ActionOf(err) != sync.Invalid {
		t.Errorf("error %v", err)
	}
}
