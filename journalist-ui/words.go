package journalist

import (
	"strconv"
	"strings"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
)

const (
	startOfMessage = 220 // characters, in the inbox
	startOfSHA256  = 12
)

// Line shows a text of a source on one line.
func (v view) Line(text string) string { return visible.Line(text) }

// Lines shows a text of a source as it was written.
func (v view) Lines(text string) string { return visible.Text(text) }

// Start shows the beginning of a message.
func (v view) Start(text string) string { return visible.Start(text, startOfMessage) }

// FileName shows the name of a file, or says that it has none.
func (v view) FileName(name string) string {
	if strings.TrimSpace(name) == "" {
		return v.Text("no_name")
	}
	return visible.Line(name)
}

// Short is the beginning of a SHA-256.
func (v view) Short(digest string) string { return digest[:min(len(digest), startOfSHA256)] }

// Day writes "2006-01-02" as people do.
func (v view) Day(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return visible.Line(day)
	}
	return v.Text("date", map[string]any{
		"Day": t.Day(), "Month": v.Text("month_" + strconv.Itoa(int(t.Month()))), "Year": t.Year(),
	})
}

// Size writes a number of bytes, in steps of a thousand.
func (v view) Size(bytes int64) string {
	units := []string{"unit_kB", "unit_MB", "unit_GB", "unit_TB"}
	if bytes < 1000 {
		return v.Count("size_bytes", int(bytes))
	}
	n, unit := float64(bytes)/1000, 0
	for n >= 999.5 && unit < len(units)-1 {
		n, unit = n/1000, unit+1
	}
	digits := 0
	if n < 9.95 {
		digits = 1
	}
	number := strings.Replace(strconv.FormatFloat(n, 'f', digits, 64), ".", v.Text("decimal_sign"), 1)
	return v.Text(units[unit], map[string]any{"N": number})
}

// Doubt explains why a submission is kept apart.
func (v view) Doubt(doubt string) string {
	switch desk.Doubt(doubt) {
	case desk.DoubtEnvelope, desk.DoubtManifest, desk.DoubtFiles:
		return v.Text("doubt_" + doubt)
	}
	return v.Text("doubt_other") + " " + visible.Line(doubt)
}

// Short60 is for lists to choose from, which must not grow as wide as a name.
func (v view) Short60(text string) string {
	const longest = 60
	return visible.Start(text, longest)
}

// SaveName is the name that a saved file is given.
func (v view) SaveName(n int, name string) string { return saveName(n, name) }

// FieldNames are the usual names of a record's fields, to choose from.
func (v view) FieldNames() []string { return strings.Split(v.Text("field_names"), ", ") }

// Map gives a text its one placeholder.
func (v view) Map(name string, value any) map[string]any { return map[string]any{name: value} }

// Plus adds.
func (v view) Plus(a, b int) int { return a + b }
