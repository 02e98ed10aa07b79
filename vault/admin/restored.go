package admin

import (
	"context"
	"fmt"
	"strings"

	"sourdine/vault/spoken"
	"sourdine/vault/translog"
)

// A Restored is the last time that the vault went on from a backup.
type Restored struct {
	Day   string            `json:"day"`
	Leaf  int64             `json:"leaf"`  // its number in the log, from 0
	Words map[string]string `json:"words"` // see [RestoredWords]
}

// RestoredWords are the twelve words by which reviewers know a restoration, with
// blanks between them, in French ("fr") and in English ("en"). They are of the whole
// leaf: its mark alone could stand in another one, of a smaller log, by who has the
// vault's key.
func RestoredWords(leaf translog.Restored) (map[string]string, error) {
	raw, err := translog.Encode(leaf)
	if err != nil {
		return nil, fmt.Errorf("failed to tell a restoration in words: %w", err)
	}
	words := map[string]string{}
	for _, language := range []string{"fr", "en"} {
		words[language] = strings.Join(spoken.Words(string(raw), language), " ")
	}
	return words, nil
}

func (l *Local) readRestored(_ context.Context, s *Status) error {
	leaf, ok, err := l.vault.LastRestored()
	if err != nil || !ok {
		return err
	}
	words, err := RestoredWords(leaf)
	s.Restored = &Restored{Day: leaf.Day, Leaf: leaf.Size, Words: words}
	return err
}
