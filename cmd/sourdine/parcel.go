package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
)

func parcelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "parcel COMMAND", Short: "what is carried between server and desk",
		Example: "  sourdine parcel export --home /var/lib/sourdine -o parcel.tar",
		RunE:    cli.Group,
	}
	cmd.AddCommand(parcelExportCommand(), parcelApplyCommand())
	return cmd
}

func writeParcel(cmd *cobra.Command, output string, write func(context.Context, io.Writer) error) error {
	if output == "-" {
		return write(cmd.Context(), cmd.OutOrStdout())
	}
	return writeWhole(cmd.Context(), "parcel", output, write)
}

// writeWhole writes beside path, syncs, and moves it there when it is whole: a
// stick that is full or pulled leaves no half parcel under that name.
func writeWhole(ctx context.Context, what, path string, write func(context.Context, io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("failed to write the %s: %s is not a file", what, path) // /dev/null would be replaced
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sourdine-"+what+"-")
	if err != nil {
		return cli.Failure{Err: fmt.Errorf("failed to write the %s: %w", what, err), Code: cli.Failed, Hint: "choose a folder that exists and where you may write"}
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(ctx, f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("failed to write the %s: %w", what, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("failed to write the %s: %w", what, err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("failed to write the %s: %w", what, err)
	}
	return nil
}

// syncFolder waits until a new name is on the stick. Some filesystems do not
// offer that for folders; they are not asked again.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("failed to sync its folder: %w", err)
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if err := errors.Join(err, d.Close()); err != nil {
		return fmt.Errorf("failed to sync its folder: %w", err)
	}
	return nil
}
