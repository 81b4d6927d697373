//! How much of anything that is not ours may be read.

/// Upper bounds for hostile input. All sizes are bytes.
///
/// One value travels from the command line to every reader; the defaults are far above what real images need and far
/// below what hurts a two-core machine with 4 GiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A manifest or index. Registries refuse more than 4 MiB (distribution specification, "Pushing manifests").
    pub manifest: u64,
    /// An image configuration.
    pub config: u64,
    /// One compressed layer.
    pub compressed_layer: u64,
    /// One layer after decompression.
    pub uncompressed_layer: u64,
    /// Uncompressed bytes after which the expansion is judged.
    pub expansion_grace: u64,
    /// Uncompressed bytes for each compressed byte. Three million empty files in one real
    /// image compress 1:300; DEFLATE cannot exceed 1:1032, zstd can.
    pub expansion_ratio: u64,
    /// Entries of one layer.
    pub entries: u64,
    /// Layers of one image.
    pub layers: usize,
    /// A path inside a layer, and a link target.
    pub path: usize,
    /// The records of one PAX or GNU extension header.
    pub extension_header: u64,
    /// The database of an operating system's package manager.
    pub package_database: u64,
    /// The metadata file of one language package.
    pub package_metadata: u64,
    /// An executable that is searched for embedded build information.
    pub executable: u64,
    /// One decompressed block of embedded build information.
    pub build_info: u64,
    /// A statement, bundle or other evidence document.
    pub evidence: u64,
    /// A file that is signed as it is: it lies in memory.
    pub artifact: u64,
    /// One advisory record.
    pub advisory: u64,
    /// An advisory archive, compressed.
    pub advisory_archive: u64,
    /// Records of one advisory archive.
    pub advisory_records: u64,
    /// A trust file or another configuration file.
    pub configuration: u64,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest: 4 * MIB,
            config: 8 * MIB,
            compressed_layer: 64 * GIB,
            uncompressed_layer: 256 * GIB,
            expansion_grace: 64 * MIB,
            expansion_ratio: 1_100,
            entries: 20_000_000,
            layers: 1_024,
            path: 4_096,
            extension_header: MIB,
            package_database: 256 * MIB,
            package_metadata: 16 * MIB,
            executable: 512 * MIB,
            build_info: 32 * MIB,
            evidence: 128 * MIB,
            artifact: 512 * MIB,
            advisory: 16 * MIB,
            advisory_archive: 4 * GIB,
            advisory_records: 2_000_000,
            configuration: 512 * KIB,
        }
    }
}
