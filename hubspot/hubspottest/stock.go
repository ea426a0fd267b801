package hubspottest

import "strings"

// Names of properties that the simulator itself reads or writes.
const (
	propEmail       = "email"
	propMoreEmails  = "hs_additional_emails"
	propID          = "hs_object_id"
	propMergedIDs   = "hs_merged_object_ids"
	propLifecycle   = "lifecyclestage"
	propSource      = "hs_object_source"
	propSourceID    = "hs_object_source_id"
	propSearchPhone = "hs_searchable_calculated_phone_number"
	propSearchCell  = "hs_searchable_calculated_mobile_number"
	propPipeline    = "pipeline"
	propStage       = "dealstage"
	propTimestamp   = "hs_timestamp"
)

// calculated maps the read-only phone properties to what they are computed from.
var calculated = map[string]string{propSearchPhone: "phone", propSearchCell: "mobilephone"}

// lifecycleStages in their only direction.
var lifecycleStages = words("subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer evangelist other")

// What the vendor defines of each type, as far as a sync meets it. Activities:
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide and its neighbours.
var (
	contactProperties = []stock{
		text("firstname lastname company jobtitle website address city state zip country salutation message " + propEmail + " " + propMoreEmails),
		{typ: "string", fieldType: "phonenumber", byName: words("phone mobilephone")},
		choice("radio", propLifecycle, lifecycleStages),
		choice("radio", "hs_lead_status", words("NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING")),
		fixed("enumeration", "select", "hs_analytics_source hs_latest_source", words("ORGANIC_SEARCH PAID_SEARCH EMAIL_MARKETING SOCIAL_MEDIA "+
			"REFERRALS OTHER_CAMPAIGNS DIRECT_TRAFFIC OFFLINE PAID_SOCIAL")...),
		fixed("string", "text", "hs_calculated_merged_vids"),
		fixed("string", "calculation_equation", propSearchPhone+" "+propSearchCell),
	}
	dealProperties = []stock{
		text("dealname description"),
		{typ: "number", fieldType: "number", byName: words("amount")},
		{typ: "datetime", fieldType: "date", byName: words("closedate")},
		choice("select", propPipeline, nil), // what they may be, the pipelines say
		choice("radio", propStage, nil),
		choice("radio", "dealtype", words("newbusiness existingbusiness")),
		choice("select", "deal_currency_code", words("USD COP EUR")),
		text("hs_all_collaborator_owner_ids"),
	}
	communicationProperties = []stock{
		timestamp, html("hs_communication_body"), attachments,
		choice("select", "hs_communication_channel_type", words("WHATS_APP SMS LINKEDIN_MESSAGE")),
		choice("select", "hs_communication_logged_from", words("CRM")),
	}
	taskProperties = []stock{
		timestamp, text("hs_task_subject"), html("hs_task_body"), attachments,
		choice("select", "hs_task_status", words("NOT_STARTED IN_PROGRESS WAITING DEFERRED COMPLETED")),
		choice("select", "hs_task_priority", words("LOW MEDIUM HIGH")),
		choice("select", "hs_task_type", words("TODO CALL EMAIL")),
		{typ: "datetime", fieldType: "date", byName: words("hs_task_reminders")},
	}
	noteProperties    = []stock{timestamp, html("hs_note_body"), attachments}
	meetingProperties = []stock{
		timestamp, text("hs_meeting_title hs_meeting_location hs_meeting_external_url hs_activity_type"),
		html("hs_meeting_body hs_internal_meeting_notes"), attachments,
		{typ: "datetime", fieldType: "date", byName: words("hs_meeting_start_time hs_meeting_end_time")},
		choice("select", "hs_meeting_outcome", words("SCHEDULED COMPLETED RESCHEDULED NO_SHOW CANCELED")),
	}

	timestamp   = stock{typ: "datetime", fieldType: "date", byName: words(propTimestamp)}
	attachments = text("hs_attachment_ids")
)

// common are the properties that every type has.
func (t *objectType) common() []stock {
	return []stock{
		text("hubspot_owner_id"),
		fixed("datetime", "date", t.created+" "+t.modified),
		fixed("number", "number", propID),
		{readOnly: true, unique: true, typ: "string", fieldType: "text", byName: words("hs_unique_creation_key")},
		fixed("string", "text", propMergedIDs+" "+propSource+" "+propSourceID),
	}
}

func words(list string) []string { return strings.Fields(list) }

func text(names string) stock { return stock{typ: "string", fieldType: "text", byName: words(names)} }

func html(names string) stock { return stock{typ: "string", fieldType: "html", byName: words(names)} }

func choice(fieldType, name string, options []string) stock {
	return stock{typ: "enumeration", fieldType: fieldType, byName: words(name), options: options}
}

// fixed are properties that only the vendor sets.
func fixed(typ, fieldType, names string, options ...string) stock {
	return stock{readOnly: true, typ: typ, fieldType: fieldType, byName: words(names), options: options}
}

// properties are the definitions that a row stands for.
func (s stock) properties(group string) []Property {
	all := make([]Property, len(s.byName))
	for i, name := range s.byName {
		all[i] = Property{
			Name: name, Label: name, GroupName: group, Type: s.typ, FieldType: s.fieldType,
			Options: optionsOf(s.options), HasUniqueValue: s.unique, HubspotDefined: true, FormField: !s.readOnly,
			Calculated:   calculated[name] != "",
			Modification: Modification{ReadOnlyDefinition: true, ReadOnlyValue: s.readOnly},
		}
	}
	return all
}

func optionsOf(values []string) []Option {
	options := make([]Option, len(values))
	for i, v := range values {
		options[i] = Option{Label: strings.ReplaceAll(v, "_", " "), Value: v, DisplayOrder: i}
	}
	return options
}
