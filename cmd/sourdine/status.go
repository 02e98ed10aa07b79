package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
	"sourdine/vault/spoken"
)

func statusCommand() *cobra.Command {
	var home string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status --home DIR",
		Short:   "see at a glance whether all is well",
		Long:    "status shows channels, reviewers, what the vault holds, and every problem it knows of.",
		Example: "  sourdine status --home /var/lib/sourdine --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAdmin(home, func(a admin.Admin) error {
				s, err := a.Status(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					enc := json.NewEncoder(cmd.OutOrStdout())
					enc.SetIndent("", "  ")
					return enc.Encode(s)
				}
				printStatus(cmd.OutOrStdout(), s)
				return nil
			})
		},
	}
	addHome(cmd, &home)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printStatus(w io.Writer, s admin.Status) {
	for _, p := range s.Problems {
		fmt.Fprintf(w, "problem: %s\n", p)
	}
	if len(s.Problems) == 0 {
		fmt.Fprintln(w, "all is well")
	}
	fmt.Fprintf(w, "serving:      %s\n", map[bool]string{true: "yes", false: "no"}[s.Serving])
	for _, site := range s.Sites {
		fmt.Fprintf(w, "  %-10s  %s %s %s\n", site.Site, site.State, site.Onion, site.Local)
	}
	fmt.Fprintf(w, "submissions:  %d (%d bytes sealed, vault file %d bytes)\n", s.Submissions, s.Bytes, s.FileBytes)
	fmt.Fprintf(w, "arriving:     %d\n", s.Drafts)
	fmt.Fprintf(w, "vault key:    %s\n", s.VaultKey)
	for _, language := range []string{"fr", "en"} { // as the desk's pages show it
		fmt.Fprintf(w, "  in words    %s: %s\n", language, strings.Join(spoken.Words(s.VaultKey, language), " "))
	}
	fmt.Fprintf(w, "log:          %d entries, %d to join it, root %.16s\n", s.Log.Size, s.Log.Pending, s.Log.Root)
	if r := s.Restored; r != nil {
		fmt.Fprintf(w, "restored:     from a backup on %s, leaf %d of the log; if it was you, read these words to reviewers\n", r.Day, r.Leaf)
		fmt.Fprintf(w, "  in words    fr: %s\n  in words    en: %s\n", r.Words["fr"], r.Words["en"])
	}
	for _, d := range s.Desks {
		fmt.Fprintf(w, "desk %s %s: return parcel %d applied%s, log seen up to %d\n", d.Fingerprint, d.Name, d.Sequence,
			note(d.Refused > 0, fmt.Sprintf(" (%d things refused)", d.Refused)), d.Seen)
	}
	for _, c := range s.Channels {
		fmt.Fprintf(w, "channel %s (roster %d): %d submissions\n", c.Name, c.Epoch, s.ByChannel[c.Name])
		fmt.Fprintf(w, "  %d not acknowledged by all; retention %s, limit %s\n", c.Waiting, days(c.Policy.Retention), days(c.Policy.Limit))
		for _, r := range c.Reviewers {
			fmt.Fprintf(w, "  %s %s%s%s\n", r.Fingerprint, r.Name, note(!r.Valid, " (cannot encrypt)"), note(!r.Pickup, " (no pickup)"))
		}
	}
}

func note(when bool, text string) string {
	if when {
		return text
	}
	return ""
}
