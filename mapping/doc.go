// Package mapping declares how the records of two systems correspond, field by
// field, and proves that the declaration is sound before anything is written.
//
// # The language
//
// A map is a [Spec]. It is written in Go or in YAML; both give the same struct
// and [Spec.Flow] compiles it for the engine.
//
//	name: contacts
//	left:
//	  system: bird
//	  kind: contact
//	  leave:                          # what must hold before a record leaves
//	    - when: record.email != "" || record.msisdn != ""
//	      why: has neither email nor phone
//	right:
//	  system: hubspot
//	  kind: contact
//	  create_key: custom_bird_contact_id   # records are created by this key
//	  leave:
//	    - when: record.hs_analytics_source in ["PAID_SEARCH", "REFERRALS"]
//	    - when: 'any(changed, # in ["phone", "email"])'   # quoted, because of its #
//	  relate:                         # a new record's associations
//	    - {flow: companies, kind: company, field: company_id, required: true}
//	first_sync: {kind: prefer-unless-blank, owner: right}
//	identity: [bird_id, email, phone] # best evidence first
//	fields:
//	  - name: bird_id                 # one side's id, kept on the other
//	    type: id
//	    left: id
//	    right: custom_bird_contact_id
//	    direction: to-right           # both (the default), to-right, to-left
//	  - name: phone
//	    type: phone                   # +573000000000 on both sides
//	    region: CO                    # of numbers without a country code
//	    left: msisdn
//	    right: phone
//	    clean: [collapse-space]       # tidied before anything looks at it
//	    policy: {kind: last-write-wins, owner: right}
//	    keep_blank: true              # a blank never overwrites
//	  - name: email
//	    type: email
//	    left: email
//	    right: email
//	    required: true
//	    rule: max=120                 # a tag of validator/v10
//	  - name: name
//	    type: name                    # one name here, two there
//	    left: name
//	    right: [firstname, lastname]
//	  - name: stage
//	    type: enum                    # a table; rows may share a value
//	    left: stage
//	    right: {name: dealstage, with: {pipeline: default}}   # written along
//	    options:
//	      - {left: qualified, right: appointmentscheduled}
//	      - {left: tour_scheduled, right: appointmentscheduled}
//	      - {left: lease_signed, right: closedwon}
//	    policy: {kind: monotonic, owner: left, order: [appointmentscheduled, closedwon]}
//	  - name: title
//	    type: template                # made of several raw fields, one-way
//	    left: {name: [name, id], template: '{{default (print "Lead " .id) .name}}'}
//	    right: title
//	    direction: to-right
//	  - name: budget
//	    type: number
//	    left: {name: attributes.budget, form: number}   # a JSON number here
//	    right: budget                                   # a text there
//	  - name: interests
//	    type: multi
//	    left: {name: attributes.interests, form: list}  # ["a","b"]
//	    right: interests                                # "a;b"
//
// The types are the [Type] constants, the forms the [Form] constants, the
// cleaners the [Cleaner] constants; a [When] explains conditions.
//
// # Facts
//
// An [ActivitySpec] says by templates what the facts of a type are recorded
// as; [Content] explains the templates. A [Set] holds it together with the
// flows that lead from a fact's record to those on which it is shown, and with
// the triggers that make facts of transitions; [LoadSet] reads all of that from
// one file.
//
// # What a field does
//
// Each side of a field is a [sync.Lens]: it reads the raw value in any form of
// the type, tidies it, sees one canonical value, and checks the rules. Values
// are equal when their canonical values are. Writing keeps the present raw
// value when it already says the same, so that what the other side cannot
// hold (which word of a name is the first name, which of two stages that fold
// into one) survives. A value that breaks a rule is refused with an error that
// tells the field, the rule, the value's shape and what to do, never the value.
//
// # Proof
//
// [Check] puts generated records, among them every option and every boundary,
// through the lenses of a flow and compares with the properties that the two
// systems have ([Schema]). What does not survive the journey is refused with
// the smallest example found. It takes any [sync.Flow], also one with lenses
// of your own.
package mapping
