module sealwright.dev/peers/tar

go 1.26
