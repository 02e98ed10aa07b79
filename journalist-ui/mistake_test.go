package journalist

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
)

// What is refused is named; what is just allowed is taken. This also holds the
// limits here against those of the casebook.
func TestMistakesAreNamed(t *testing.T) {
	r := open(t, newSite(t, desktest.New(t), nil))
	for _, c := range []struct {
		title, key, value string
		fields            int
		want              string // "" for none
	}{
		{title: " ", key: "k", value: "v", want: "A record needs a title"},
		{title: "a\nb", key: "k", value: "v", want: "The title has more than one line"},
		{title: strings.Repeat("é", maxTitle/2), key: "k", value: "v"},
		{title: strings.Repeat("é", maxTitle/2) + "e", key: "k", value: "v", want: "The title is too long: at most 500 bytes"},
		{title: "t", key: " ", value: "v", want: "Field 2 has a value but no name"},
		{title: "t", key: "k\tk", value: "v", want: "The name of field 2 has more than one line"},
		{title: "t", key: strings.Repeat("k", maxKey), value: "v"},
		{title: "t", key: strings.Repeat("k", maxKey+1), value: "v", want: "The name of field 2 is too long: at most 100 bytes"},
		{title: "t", key: "k", value: strings.Repeat("v", maxValue)},
		{title: "t", key: "k", value: strings.Repeat("v", maxValue+1), want: "The value of field 2 is too long: at most 65536 bytes"},
		{title: "t", key: "k", value: "v", fields: maxFields - 2},
		{title: "t", key: "k", value: "v", fields: maxFields - 1, want: "There are too many fields: at most 200"},
		{title: "t", key: "k", value: "not UTF-8 \xff", want: "One of the values cannot be kept"},
	} {
		form := url.Values{"title": {c.title}, "key": {"first", c.key}, "value": {"fine", c.value}}
		for i := range c.fields {
			form.Add("key", fmt.Sprint("more ", i))
			form.Add("value", "")
		}
		got := r.post("/records/new", form)
		if c.want == "" && got.Code != http.StatusSeeOther {
			t.Errorf("title of %d, key of %d, value of %d bytes: %d", len(c.title), len(c.key), len(c.value), got.Code)
		}
		if c.want != "" {
			r.problem(got, http.StatusBadRequest, c.want)
		}
	}
}
