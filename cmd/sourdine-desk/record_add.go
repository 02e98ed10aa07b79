package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
)

func recordAddCommand() *cobra.Command {
	var f deskFlags
	var title string
	var pairs []string
	cmd := &cobra.Command{
		Use:   "add --home DIR --passphrase-file F --title T [--field K=V]...",
		Short: "add a record and print its id",
		Example: `  sourdine-desk record add --home ~/desk --passphrase-file pass.txt \
    --title "Reconnaissance faciale, Nice" --field city=Nice --field year=2019`,
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			fields, err := parseFields(pairs)
			if err != nil {
				return err
			}
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				r, err := d.Casebook().AddRecord(ctx, title, fields)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), r.ID)
				return err
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&title, "title", "", "what the record is about (required)")
	cmd.Flags().StringArrayVar(&pairs, "field", nil, "a field, KEY=VALUE; may be given several times")
	_ = cmd.MarkFlagRequired("title") // fails only for a flag that is not there
	return cmd
}

func parseFields(pairs []string) ([]casebook.Field, error) {
	var fields []casebook.Field
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, cli.Failure{Err: errors.New("a field reads KEY=VALUE"), Code: cli.Usage}
		}
		fields = append(fields, casebook.Field{Key: key, Value: value})
	}
	return fields, nil
}
