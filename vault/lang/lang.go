// Package lang gives pages their texts in the reader's language, from
// catalogues that each site keeps beside its templates: one TOML file a language.
//
// It stands under vault because that is what the server and the desk may both
// import; it knows nothing of submissions. It promises that a text missing in a
// language comes out in French. That none is missing everywhere is what the
// sites' catalogue tests find out, not this package.
package lang

import (
	"embed"
	"fmt"
	"io/fs"
	"path"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// common holds what every site needs: units and dates.
//
//go:embed locale
var common embed.FS

// maxAccept bounds the Accept-Language header that is looked at, in bytes.
const maxAccept = 256

// Catalogues holds the texts of a site in all its languages.
type Catalogues struct {
	bundle  *i18n.Bundle
	matcher language.Matcher
	tags    []language.Tag
}

// Load reads every *.toml in dir of files; the file's name is the language,
// "fr.toml". French must be there: it is what the others fall back to. The
// units and dates of package lang come with them.
func Load(files fs.FS, dir string) (*Catalogues, error) {
	bundle := i18n.NewBundle(language.French)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	if err := load(bundle, common, "locale"); err != nil {
		return nil, err
	}
	if err := load(bundle, files, dir); err != nil {
		return nil, err
	}
	tags := bundle.LanguageTags()
	return &Catalogues{bundle: bundle, matcher: language.NewMatcher(tags), tags: tags}, nil
}

func load(bundle *i18n.Bundle, files fs.FS, dir string) error {
	names, err := fs.Glob(files, path.Join(dir, "*.toml"))
	if err != nil {
		return fmt.Errorf("failed to list catalogues: %w", err)
	}
	for _, name := range names {
		if _, err := bundle.LoadMessageFileFS(files, name); err != nil {
			return fmt.Errorf("failed to read catalogue %s: %w", path.Base(name), err)
		}
	}
	return nil
}

// Languages lists the languages there are, French first.
func (c *Catalogues) Languages() []language.Tag { return c.tags }

// For picks the texts for a reader: the language asked for by a link if there
// is one, else the best of the browser's Accept-Language header, else French.
func (c *Catalogues) For(asked, acceptLanguage string) *Texts {
	if len(acceptLanguage) > maxAccept {
		acceptLanguage = ""
	}
	// A header that does not parse counts as none.
	wanted, _, _ := language.ParseAcceptLanguage(acceptLanguage)
	if tag, err := language.Parse(asked); err == nil {
		wanted = append([]language.Tag{tag}, wanted...)
	}
	_, i, _ := c.matcher.Match(wanted...)
	tag := c.tags[i]
	return &Texts{Tag: tag, localizer: i18n.NewLocalizer(c.bundle, tag.String())}
}

// Texts are one language's texts.
type Texts struct {
	Tag       language.Tag
	localizer *i18n.Localizer
}

// Code is the language as the lang attribute of HTML wants it.
func (t *Texts) Code() string { return t.Tag.String() }

// Text returns the text with the given id. data fills its placeholders. A
// missing id comes out as the id in brackets; the catalogues' test finds it.
func (t *Texts) Text(id string, data ...any) string {
	return t.localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: first(data)})
}

// Count returns the text in the grammatical number that n asks for; the text
// finds it as {{.N}}.
func (t *Texts) Count(id string, n int) string {
	return t.localize(&i18n.LocalizeConfig{MessageID: id, PluralCount: n, TemplateData: map[string]any{"N": n}})
}

func (t *Texts) localize(config *i18n.LocalizeConfig) string {
	text, err := t.localizer.Localize(config)
	if text == "" && err != nil {
		return "[" + config.MessageID + "]"
	}
	return text
}

func first(data []any) any {
	if len(data) == 0 {
		return nil
	}
	return data[0]
}
