package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault"
	"sourdine/vault/admin"
)

func channelPolicyCommand() *cobra.Command {
	var home string
	var wanted vault.Policy
	cmd := &cobra.Command{
		Use:   "policy --home DIR NAME [--retention DAYS] [--limit DAYS]",
		Short: "see or change how long a channel's submissions are kept",
		Long: `policy prints how long a channel's submissions are kept, and changes it when a
flag is given. 0 days is for ever. Every change stands in the log, where all
desks see it.

The retention counts from the day on which every reviewer of a submission had
acknowledged it who is still on the channel's roster, or from the day on which the
roster changed last when that is later; nothing that one of them lacks is deleted,
nor what nobody is left to acknowledge. The limit counts from the day on which it
was received, whether anybody has it or not, but for what was received before the
channel had this limit: then from the day on which the limit was set. The source's
site announces it, from the next page on, where the channel is chosen and on
receipts.`,
		Example: `  sourdine channel policy --home /var/lib/sourdine Nice
  sourdine channel policy --home /var/lib/sourdine Nice --retention 60`,
		Args: cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAdmin(home, func(a admin.Admin) error { return runPolicy(cmd, a, args[0], wanted) })
		},
	}
	addHome(cmd, &home)
	cmd.Flags().IntVar(&wanted.Retention, "retention", 0, "days after which what every reviewer acknowledged is deleted; 0: never")
	cmd.Flags().IntVar(&wanted.Limit, "limit", 0, "days after which everything is deleted, acknowledged or not; 0: never")
	return cmd
}

func runPolicy(cmd *cobra.Command, a admin.Admin, channel string, wanted vault.Policy) error {
	retention, limit := cmd.Flags().Changed("retention"), cmd.Flags().Changed("limit")
	p, err := a.Policy(cmd.Context(), channel)
	mended := retention && limit && errors.Is(err, vault.ErrDamaged)
	if err != nil && !mended {
		return err
	}
	changed := p
	if retention {
		changed.Retention = wanted.Retention
	}
	if limit {
		changed.Limit = wanted.Limit
	}
	if changed != p || mended {
		if err := a.SetPolicy(cmd.Context(), channel, changed); err != nil {
			return err
		}
		if changed.Limit > 0 && (changed.Retention == 0 || changed.Retention > changed.Limit) {
			fmt.Fprintf(cmd.ErrOrStderr(), "the limit is shorter than the retention: no submission is kept for more than %s\n", days(changed.Limit))
		}
		if changed.Limit > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "after %s submissions are deleted even if no reviewer has them: what is not carried to the desks in time is lost; the site tells sources\n", days(changed.Limit))
		}
	}
	printPolicy(cmd.OutOrStdout(), changed)
	return nil
}

func printPolicy(w io.Writer, p vault.Policy) {
	fmt.Fprintf(w, "retention %s\nlimit %s\n", days(p.Retention), days(p.Limit))
}

func days(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
