package journalist

import (
	"strings"

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

// Day writes a day as people do. The server that named it is not trusted.
func (v view) Day(day string) string { return visible.Line(v.Texts.Day(day)) }

// Size writes a number of bytes as people do.
func (v view) Size(bytes int64) string { return v.Bytes(bytes) }

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
