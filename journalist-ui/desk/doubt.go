package desk

// A Doubt is why a submission is kept apart, as a word for programs. The
// casebook keeps it; pages explain it.
type Doubt string

// The doubts.
const (
	// DoubtEnvelope: the envelope is damaged, nothing of the submission opens.
	DoubtEnvelope Doubt = "envelope"
	// DoubtManifest: the manifest does not open or is not valid; the files may.
	DoubtManifest Doubt = "manifest"
	// DoubtFiles: the manifest lists other files than those that came.
	DoubtFiles Doubt = "files"
)

// String says it in a few plain words, for people at a terminal.
func (d Doubt) String() string {
	switch d {
	case DoubtEnvelope:
		return "its envelope is damaged: nothing of it can be opened"
	case DoubtManifest:
		return "its manifest is damaged: message and file names are unknown"
	case DoubtFiles:
		return "its manifest lists other files than those that came"
	}
	return "doubtful: " + string(d)
}
