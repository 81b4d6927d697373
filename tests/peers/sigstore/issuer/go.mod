module sealwright.dev/peers/issuer

go 1.26
