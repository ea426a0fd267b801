package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/urbanhub/crmsync/sync"
)

// validate is shared by all lenses: it caches parsed tags and is safe for
// concurrent use.
var validate = validator.New(validator.WithRequiredStructEnabled())

// unfit matches the tags that make no sense for one value, or that look
// outside it: other fields, the disk, the network.
var unfit = regexp.MustCompile(`^(-|required.*|excluded.*|skip_unless|omit.*|dive|keys|endkeys|structonly|nostructlevel|` +
	`.*field|field.*|unique|file|filepath|dir|dirpath|image|.*_addr)$`)

// checkTag reports what is wrong with a validator tag, trying each of its
// parts on a sample so that none is hidden behind a failing one.
func checkTag(tag string, t Type) (hint string) {
	for part := range strings.SplitSeq(tag, ",") {
		for alternative := range strings.SplitSeq(part, "|") {
			name, _, _ := strings.Cut(alternative, "=")
			if unfit.MatchString(name) {
				return fmt.Sprintf("the tag %q does not apply to a single value; leave it out", name)
			}
			if hint := tryTag(alternative, t); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// tryTag runs a tag once; the validator panics on what it does not know.
func tryTag(tag string, t Type) (hint string) {
	defer func() {
		if r := recover(); r != nil {
			hint = fmt.Sprintf("the tag %q is not one of validator/v10 or does not fit type %s", tag, t)
		}
	}()
	var sample any = "a"
	if t == TypeNumber {
		sample = 1.0
	}
	_ = validate.Var(sample, tag) // only a panic tells about the tag
	return ""
}

// checkRule applies a tag to a canonical value.
func checkRule(tag string, v sync.Value) *fault {
	switch {
	case tag == "" || v.Blank():
		return nil
	case v.IsNumber():
		// Only the comparison is done in floating point, never the value.
		n, err := strconv.ParseFloat(v.String(), 64)
		if err != nil {
			return &fault{tag, "write a smaller number"}
		}
		return broken(validate.Var(n, tag), tag)
	case v.IsList():
		for _, item := range v.Items() {
			if f := broken(validate.Var(item, tag), tag); f != nil {
				return f
			}
		}
		return nil
	}
	return broken(validate.Var(v.String(), tag), tag)
}

// broken names the part of the tag that failed.
func broken(err error, tag string) *fault {
	if err == nil {
		return nil
	}
	var all validator.ValidationErrors
	if errors.As(err, &all) && len(all) > 0 {
		tag = all[0].Tag()
		if p := all[0].Param(); p != "" {
			tag += "=" + p
		}
	}
	return &fault{tag, "mend the value so that it meets the rule"}
}
