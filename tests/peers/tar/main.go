// Command tar prints the entries of a tar archive on stdin as Go's archive/tar sees them, one JSON object a line.
//
// containerd and Docker unpack layers with this package: what it lists is what a container gets. An error of the reader is
// the last line, {"error": TEXT}.
package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
)

type entry struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	Link   string `json:"link,omitempty"`
	Mode   int64  `json:"mode"`
	SHA256 string `json:"sha256,omitempty"`
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := json.NewEncoder(out)
	reader := tar.NewReader(bufio.NewReaderSize(os.Stdin, 1<<20))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			_ = lines.Encode(map[string]string{"error": err.Error()})
			return
		}
		found := entry{
			Name: header.Name, Type: string(header.Typeflag), Size: header.Size, Link: header.Linkname, Mode: header.Mode,
		}
		if header.Typeflag == tar.TypeReg || header.Typeflag == tar.TypeGNUSparse {
			hash := sha256.New()
			if _, err := io.Copy(hash, reader); err != nil {
				_ = lines.Encode(map[string]string{"error": err.Error()})
				return
			}
			found.SHA256 = hex.EncodeToString(hash.Sum(nil))
		}
		_ = lines.Encode(found)
	}
}
