// Package passphrase makes and reads the eight words that open a mailbox.
//
// Eight words of a BIP-39 list carry 88 bits. The first four letters of a word
// decide which it is, so case, accents and slips after the fourth letter do not
// matter. A passphrase is what its words mean, not how they are spelt: Parse
// gives the same [Passphrase] for every spelling.
//
// It promises that a generated passphrase can be read in one language only.
package passphrase

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"
)

const (
	// Words is how many words a passphrase has.
	Words = 8
	// MaxInput is the longest text that Parse looks at, in bytes.
	MaxInput = 1 << 10

	listLength     = 2048 // 11 bits a word
	decidingPrefix = 4    // letters
)

// ErrInvalid is returned by Parse for everything that is not a passphrase. It
// never says which word was wrong: that would confirm the others.
var ErrInvalid = errors.New("not a passphrase: it has eight words of the list")

// A Passphrase is eight words of one list.
type Passphrase struct {
	language string
	indices  [Words]uint16
}

// A Dictionary knows the word lists. It is read-only after NewDictionary.
type Dictionary struct {
	lists []list
}

type list struct {
	language string
	words    []string
	index    map[string]uint16 // by the deciding letters
}

// NewDictionary indexes the lists there are: French and English.
func NewDictionary() *Dictionary {
	return &Dictionary{lists: []list{
		newList("fr", wordlists.French),
		newList("en", wordlists.English),
	}}
}

func newList(language string, words []string) list {
	l := list{language: language, words: words, index: make(map[string]uint16, len(words))}
	for i, w := range words {
		l.index[deciding(w)] = uint16(i)
	}
	return l
}

// deciding reduces a word to the letters that decide: the first four, lower
// case, without accents.
func deciding(word string) string {
	letters := make([]rune, 0, decidingPrefix)
	for _, r := range norm.NFD.String(word) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		letters = append(letters, unicode.ToLower(r))
		if len(letters) == decidingPrefix {
			break
		}
	}
	return string(letters)
}

// Generate picks a passphrase in the given language, or in French when there is
// no list for it.
func (d *Dictionary) Generate(language string) Passphrase {
	l := d.lists[0]
	for _, other := range d.lists {
		if other.language == language {
			l = other
		}
	}
	for {
		p := Passphrase{language: l.language}
		for i := range p.indices {
			p.indices[i] = randomIndex()
		}
		// Eight words that mean something in two lists would open the wrong
		// mailbox; there are few, so another is drawn.
		if got, err := d.Parse(d.Spell(p)); err == nil && got == p {
			return p
		}
	}
}

// randomIndex has no bias: the list's length is a power of two.
func randomIndex() uint16 {
	var b [2]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint16(b[:]) % listLength
}

// Parse reads eight words separated by anything that is not a letter. It returns
// [ErrInvalid] for everything else.
func (d *Dictionary) Parse(text string) (Passphrase, error) {
	if len(text) > MaxInput {
		return Passphrase{}, ErrInvalid
	}
	// Composed first, so that an accent typed as a sign of its own does not
	// split the word.
	words := strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) })
	if len(words) != Words {
		return Passphrase{}, ErrInvalid
	}
	var found []Passphrase
	for _, l := range d.lists {
		if p, ok := l.parse(words); ok {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return Passphrase{}, ErrInvalid
	}
	return found[0], nil
}

func (l list) parse(words []string) (Passphrase, bool) {
	p := Passphrase{language: l.language}
	for i, w := range words {
		index, ok := l.index[deciding(w)]
		if !ok {
			return p, false
		}
		p.indices[i] = index
	}
	return p, true
}

// Spell writes the passphrase as its eight words, composed (NFC), with blanks.
func (d *Dictionary) Spell(p Passphrase) string {
	for _, l := range d.lists {
		if l.language != p.language {
			continue
		}
		words := make([]string, 0, Words)
		for _, i := range p.indices {
			words = append(words, norm.NFC.String(l.words[i]))
		}
		return strings.Join(words, " ")
	}
	return ""
}

// Canonical is the secret that keys are derived from: the language and the
// indices of the words. It is the same for every spelling.
func (p Passphrase) Canonical() []byte {
	b := fmt.Appendf(nil, "%s:", p.language)
	for _, i := range p.indices {
		b = binary.BigEndian.AppendUint16(b, i)
	}
	return b
}
