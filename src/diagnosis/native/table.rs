//! What brings what. Debian names hold for bullseye, bookworm and trixie; where they differ the library's own file name
//! decides (packages.debian.org and pkgs.alpinelinux.org, November 2026).

/// Packages for building and for running, on Debian and on Alpine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub apt: &'static [&'static str],
    pub apt_run: &'static [&'static str],
    pub apk: &'static [&'static str],
    pub apk_run: &'static [&'static str],
}

const fn need(
    apt: &'static [&'static str],
    apt_run: &'static [&'static str],
    apk: &'static [&'static str],
    apk_run: &'static [&'static str],
) -> Need {
    Need { apt, apt_run, apk, apk_run }
}

/// A C and C++ compiler with make and libc's headers.
pub const fn compiler() -> Need {
    need(&["build-essential"], &[], &["build-base"], &[])
}

const POSTGRES: Need = need(&["libpq-dev"], &["libpq5"], &["postgresql-dev"], &["libpq"]);
const MYSQL: Need = need(
    &["default-libmysqlclient-dev", "pkg-config"],
    &["libmariadb3"],
    &["mariadb-dev", "pkgconf"],
    &["mariadb-connector-c"],
);
const LDAP: Need = need(&["libldap2-dev", "libsasl2-dev"], &[], &["openldap-dev"], &["libldap"]);
const XML: Need = need(
    &["libxml2-dev", "libxslt1-dev"],
    &["libxml2", "libxslt1.1"],
    &["libxml2-dev", "libxslt-dev"],
    &["libxml2", "libxslt"],
);
const SSL: Need = need(&["libssl-dev", "pkg-config"], &[], &["openssl-dev", "pkgconf"], &[]);
const FFI: Need = need(&["libffi-dev"], &[], &["libffi-dev"], &["libffi"]);
const JPEG: Need =
    need(&["libjpeg-dev", "zlib1g-dev"], &["libjpeg62-turbo"], &["jpeg-dev", "zlib-dev"], &["libjpeg-turbo"]);
const CAIRO: Need = need(&["libcairo2-dev", "pkg-config"], &["libcairo2"], &["cairo-dev", "pkgconf"], &["cairo"]);
const CANVAS: Need = need(
    &["libcairo2-dev", "libpango1.0-dev", "libjpeg-dev", "libgif-dev", "librsvg2-dev", "pkg-config"],
    &["libcairo2", "libpango-1.0-0", "libpangocairo-1.0-0", "libjpeg62-turbo", "libgif7", "librsvg2-2"],
    &["cairo-dev", "pango-dev", "jpeg-dev", "giflib-dev", "librsvg-dev", "pkgconf"],
    &["cairo", "pango", "libjpeg-turbo", "giflib", "librsvg"],
);
const ODBC: Need = need(&["unixodbc-dev"], &["unixodbc"], &["unixodbc-dev"], &["unixodbc"]);
const CURL: Need = need(&["libcurl4-openssl-dev", "libssl-dev"], &["libcurl4"], &["curl-dev"], &["libcurl"]);
const GDAL: Need = need(&["libgdal-dev", "gdal-bin"], &["gdal-bin"], &["gdal-dev"], &["gdal"]);
const GEOS: Need = need(&["libgeos-dev"], &["libgeos-c1v5"], &["geos-dev"], &["geos"]);
const AUDIO: Need = need(&["portaudio19-dev"], &["libportaudio2"], &["portaudio-dev"], &["portaudio"]);
const SQLITE: Need = need(&["libsqlite3-dev"], &["libsqlite3-0"], &["sqlite-dev"], &["sqlite-libs"]);
const MAGICK: Need = need(&["libmagickwand-dev"], &[], &["imagemagick-dev"], &["imagemagick"]);
const YAML: Need = need(&["libyaml-dev"], &["libyaml-0-2"], &["yaml-dev"], &["yaml"]);
const XMLSEC: Need =
    need(&["libxmlsec1-dev", "pkg-config"], &["libxmlsec1-openssl"], &["xmlsec-dev", "pkgconf"], &["xmlsec"]);
const HDF5: Need = need(&["libhdf5-dev", "pkg-config"], &[], &["hdf5-dev"], &["hdf5"]);
const MATH: Need = need(
    &["libgmp-dev", "libmpfr-dev", "libmpc-dev"],
    &["libgmp10", "libmpfr6", "libmpc3"],
    &["gmp-dev", "mpfr-dev", "mpc1-dev"],
    &["gmp", "mpfr", "mpc1"],
);
const VIPS: Need = need(&["libvips-dev", "pkg-config"], &[], &["vips-dev"], &["vips"]);
const SODIUM: Need = need(&["libsodium-dev"], &["libsodium23"], &["libsodium-dev"], &["libsodium"]);
const KRB5: Need = need(&["libkrb5-dev"], &["libgssapi-krb5-2"], &["krb5-dev"], &["krb5-libs"]);
const USB: Need = need(
    &["libusb-1.0-0-dev", "libudev-dev", "pkg-config"],
    &["libusb-1.0-0", "libudev1"],
    &["libusb-dev", "eudev-dev", "pkgconf"],
    &["libusb", "eudev-libs"],
);

/// Headers by the name in the `#include`.
const HEADERS: &[(&str, Need)] = &[
    ("Python.h", need(&["python3-dev"], &[], &["python3-dev"], &[])),
    ("libpq-fe.h", POSTGRES),
    ("postgres.h", need(&["postgresql-server-dev-all"], &[], &["postgresql-dev"], &[])),
    ("mysql.h", MYSQL),
    ("ldap.h", LDAP),
    ("lber.h", LDAP),
    ("ffi.h", FFI),
    ("jpeglib.h", JPEG),
    ("zlib.h", need(&["zlib1g-dev"], &[], &["zlib-dev"], &[])),
    ("bzlib.h", need(&["libbz2-dev"], &[], &["bzip2-dev"], &[])),
    ("lzma.h", need(&["liblzma-dev"], &[], &["xz-dev"], &[])),
    ("sql.h", ODBC),
    ("sqlext.h", ODBC),
    ("sqlite3.h", SQLITE),
    ("portaudio.h", AUDIO),
    ("geos_c.h", GEOS),
    ("gdal.h", GDAL),
    ("cpl_port.h", GDAL),
    ("proj_api.h", need(&["libproj-dev"], &[], &["proj-dev"], &["proj"])),
    ("proj.h", need(&["libproj-dev"], &[], &["proj-dev"], &["proj"])),
    ("cairo.h", CAIRO),
    ("yaml.h", YAML),
    ("snappy-c.h", need(&["libsnappy-dev"], &["libsnappy1v5"], &["snappy-dev"], &["snappy"])),
    ("snappy.h", need(&["libsnappy-dev"], &["libsnappy1v5"], &["snappy-dev"], &["snappy"])),
    ("gmp.h", MATH),
    ("mpfr.h", MATH),
    ("hdf5.h", HDF5),
    (
        "ft2build.h",
        need(&["libfreetype-dev", "pkg-config"], &["libfreetype6"], &["freetype-dev", "pkgconf"], &["freetype"]),
    ),
    ("magic.h", need(&["libmagic-dev"], &["libmagic1"], &["file-dev"], &["libmagic"])),
    ("pcap.h", need(&["libpcap-dev"], &["libpcap0.8"], &["libpcap-dev"], &["libpcap"])),
    ("sybdb.h", need(&["freetds-dev"], &["libsybdb5"], &["freetds-dev"], &["freetds"])),
    ("rdkafka.h", need(&["librdkafka-dev"], &["librdkafka1"], &["librdkafka-dev"], &["librdkafka"])),
    ("ncurses.h", need(&["libncurses-dev"], &[], &["ncurses-dev"], &[])),
    ("readline/readline.h", need(&["libreadline-dev"], &[], &["readline-dev"], &[])),
    ("linux/limits.h", need(&["linux-libc-dev"], &[], &["linux-headers"], &[])),
    ("stdio.h", compiler()),
    ("limits.h", compiler()),
    ("stdlib.h", compiler()),
    ("errno.h", compiler()),
    ("math.h", compiler()),
    ("crypt.h", need(&["libcrypt-dev"], &[], &["musl-dev"], &[])),
    ("execinfo.h", need(&[], &[], &["libexecinfo-dev"], &[])),
    ("alsa/asoundlib.h", need(&["libasound2-dev"], &[], &["alsa-lib-dev"], &["alsa-lib"])),
    ("libusb.h", USB),
    ("libudev.h", USB),
    ("uuid/uuid.h", need(&["uuid-dev"], &["libuuid1"], &["util-linux-dev"], &["libuuid"])),
    ("uv.h", need(&["libuv1-dev"], &["libuv1"], &["libuv-dev"], &["libuv"])),
    ("attr/xattr.h", need(&["libattr1-dev"], &["libattr1"], &["attr-dev"], &["libattr"])),
    ("systemd/sd-daemon.h", need(&["libsystemd-dev"], &["libsystemd0"], &[], &[])),
    ("lua.h", need(&["liblua5.3-dev"], &[], &["lua5.3-dev"], &[])),
    ("expat.h", need(&["libexpat1-dev"], &["libexpat1"], &["expat-dev"], &["expat"])),
    ("event.h", need(&["libevent-dev"], &[], &["libevent-dev"], &["libevent"])),
    ("hiredis/hiredis.h", need(&["libhiredis-dev"], &[], &["hiredis-dev"], &["hiredis"])),
    ("memcached.h", need(&["libmemcached-dev"], &[], &["libmemcached-dev"], &[])),
];

/// Headers by the folder they are included from.
const HEADER_FOLDERS: &[(&str, Need)] = &[
    ("openssl/", SSL),
    ("libxml/", XML),
    ("libxslt/", XML),
    ("sasl/", LDAP),
    ("curl/", CURL),
    ("mysql/", MYSQL),
    ("mariadb/", MYSQL),
    ("hdf5", HDF5),
    ("gssapi", KRB5),
    ("krb5", KRB5),
    ("xmlsec/", XMLSEC),
    (
        "libmemcached/",
        need(&["libmemcached-dev", "zlib1g-dev"], &[], &["libmemcached-dev", "zlib-dev"], &["libmemcached"]),
    ),
    ("librdkafka/", need(&["librdkafka-dev"], &["librdkafka1"], &["librdkafka-dev"], &["librdkafka"])),
    ("linux/", need(&["linux-libc-dev"], &[], &["linux-headers"], &[])),
    (
        "graphviz/",
        need(&["libgraphviz-dev", "graphviz", "pkg-config"], &["graphviz"], &["graphviz-dev"], &["graphviz"]),
    ),
    ("boost/", need(&["libboost-all-dev"], &[], &["boost-dev"], &[])),
    ("Eigen/", need(&["libeigen3-dev"], &[], &["eigen-dev"], &[])),
    ("sodium", SODIUM),
    ("vips/", VIPS),
    ("gnutls/", need(&["libgnutls28-dev"], &[], &["gnutls-dev"], &[])),
    ("SDL", need(&["libsdl2-dev"], &[], &["sdl2-dev"], &[])),
];

/// The package of the header `name` (as the compiler names it).
pub fn for_header(name: &str) -> Option<Need> {
    let found = HEADERS.iter().find(|(header, _)| *header == name);
    found.or_else(|| HEADER_FOLDERS.iter().find(|(folder, _)| name.starts_with(folder))).map(|(_, need)| *need)
}

/// What a Python package, Ruby gem or npm add-on needs to build, beside a compiler. Names as normalised by their index.
pub fn for_package(name: &str) -> Option<Need> {
    let known: &[(&str, Need)] = &[
        ("psycopg2", POSTGRES),
        ("pg", POSTGRES),
        ("psycopg-c", POSTGRES),
        ("libpq", POSTGRES),
        ("mysqlclient", MYSQL),
        ("mysql2", MYSQL),
        ("mysql-python", MYSQL),
        ("python-ldap", LDAP),
        ("pyldap", LDAP),
        ("lxml", XML),
        ("nokogiri", XML),
        ("libxmljs", XML),
        ("xmlsec", XMLSEC),
        ("pillow", JPEG),
        ("pycairo", CAIRO),
        ("canvas", CANVAS),
        ("cffi", FFI),
        (
            "cryptography",
            need(&["libssl-dev", "libffi-dev", "pkg-config"], &[], &["openssl-dev", "libffi-dev"], &["libffi"]),
        ),
        (
            "pynacl",
            need(&["libffi-dev", "libsodium-dev"], &["libsodium23"], &["libffi-dev", "libsodium-dev"], &["libsodium"]),
        ),
        ("pyodbc", ODBC),
        ("pycurl", CURL),
        ("curb", CURL),
        ("gdal", GDAL),
        ("fiona", GDAL),
        ("rasterio", GDAL),
        ("shapely", GEOS),
        ("pyaudio", AUDIO),
        ("h5py", HDF5),
        ("tables", HDF5),
        ("gmpy2", MATH),
        ("python-snappy", need(&["libsnappy-dev"], &["libsnappy1v5"], &["snappy-dev"], &["snappy"])),
        (
            "pygraphviz",
            need(&["libgraphviz-dev", "graphviz", "pkg-config"], &["graphviz"], &["graphviz-dev"], &["graphviz"]),
        ),
        ("pymssql", need(&["freetds-dev"], &["libsybdb5"], &["freetds-dev"], &["freetds"])),
        ("m2crypto", need(&["swig", "libssl-dev"], &[], &["swig", "openssl-dev"], &[])),
        ("sqlite3", SQLITE),
        ("rmagick", MAGICK),
        ("psych", YAML),
        ("sharp", VIPS),
        ("ruby-vips", VIPS),
        ("gssapi", KRB5),
        ("kerberos", KRB5),
        ("usb", USB),
        ("charlock-holmes", need(&["libicu-dev", "zlib1g-dev"], &[], &["icu-dev", "zlib-dev"], &["icu-libs"])),
        ("pysqlite3", SQLITE),
        ("confluent-kafka", need(&["librdkafka-dev"], &["librdkafka1"], &["librdkafka-dev"], &["librdkafka"])),
    ];
    known.iter().find(|(package, _)| *package == name).map(|(_, need)| *need)
}

/// The package of `name.pc`.
pub fn for_pkg_config(name: &str) -> Option<Need> {
    let known: &[(&[&str], Need)] = &[
        (&["openssl", "libssl", "libcrypto"], SSL),
        (&["libpq"], POSTGRES),
        (&["mysqlclient", "mariadb", "libmariadb"], MYSQL),
        (&["libxml-2.0", "libxslt"], XML),
        (&["xmlsec1"], XMLSEC),
        (&["cairo", "pycairo"], CAIRO),
        (&["pixman-1", "pangocairo", "pango", "librsvg-2.0"], CANVAS),
        (&["libffi"], FFI),
        (&["hdf5"], HDF5),
        (&["vips", "vips-cpp"], VIPS),
        (&["libsodium"], SODIUM),
        (&["sqlite3"], SQLITE),
        (&["libcurl"], CURL),
        (&["yaml-0.1"], YAML),
        (&["libusb-1.0", "libudev"], USB),
        (&["zlib"], need(&["zlib1g-dev", "pkg-config"], &[], &["zlib-dev", "pkgconf"], &[])),
        (&["libzip"], need(&["libzip-dev", "pkg-config"], &[], &["libzip-dev"], &["libzip"])),
        (&["libgit2"], need(&["libgit2-dev", "pkg-config"], &[], &["libgit2-dev", "pkgconf"], &["libgit2"])),
        (&["oniguruma"], need(&["libonig-dev", "pkg-config"], &[], &["oniguruma-dev"], &["oniguruma"])),
        (&["freetype2"], need(&["libfreetype-dev", "pkg-config"], &["libfreetype6"], &["freetype-dev"], &["freetype"])),
        (&["dbus-1"], need(&["libdbus-1-dev", "pkg-config"], &["libdbus-1-3"], &["dbus-dev"], &["dbus-libs"])),
        (
            &["glib-2.0", "gobject-2.0"],
            need(&["libglib2.0-dev", "pkg-config"], &["libglib2.0-0"], &["glib-dev"], &["glib"]),
        ),
        (&["alsa"], need(&["libasound2-dev", "pkg-config"], &[], &["alsa-lib-dev"], &["alsa-lib"])),
        (
            &["libavformat", "libavcodec", "libavdevice"],
            need(
                &[
                    "libavformat-dev",
                    "libavcodec-dev",
                    "libavdevice-dev",
                    "libavutil-dev",
                    "libavfilter-dev",
                    "libswscale-dev",
                    "libswresample-dev",
                    "pkg-config",
                ],
                &["ffmpeg"],
                &["ffmpeg-dev", "pkgconf"],
                &["ffmpeg"],
            ),
        ),
    ];
    known.iter().find(|(names, _)| names.contains(&name)).map(|(_, need)| *need)
}

/// The package that lets the linker find `-lname`.
pub fn for_library(name: &str) -> Option<Need> {
    let known: &[(&[&str], Need)] = &[
        (&["pq"], POSTGRES),
        (&["mysqlclient", "mariadb"], MYSQL),
        (&["ldap", "lber", "ldap_r", "sasl2"], LDAP),
        (&["xml2", "xslt", "exslt"], XML),
        (&["ssl", "crypto"], SSL),
        (&["ffi"], FFI),
        (&["jpeg"], JPEG),
        (&["z"], need(&["zlib1g-dev"], &[], &["zlib-dev"], &[])),
        (&["bz2"], need(&["libbz2-dev"], &[], &["bzip2-dev"], &[])),
        (&["lzma"], need(&["liblzma-dev"], &[], &["xz-dev"], &[])),
        (&["odbc"], ODBC),
        (&["curl"], CURL),
        (&["geos_c"], GEOS),
        (&["gdal"], GDAL),
        (&["sqlite3"], SQLITE),
        (&["portaudio"], AUDIO),
        (&["yaml"], YAML),
        (&["gmp", "mpfr", "mpc"], MATH),
        (&["sodium"], SODIUM),
        (&["readline"], need(&["libreadline-dev"], &[], &["readline-dev"], &[])),
        (&["uuid"], need(&["uuid-dev"], &["libuuid1"], &["util-linux-dev"], &["libuuid"])),
        (&["gssapi_krb5", "krb5"], KRB5),
        (
            &["lapack", "blas", "openblas"],
            need(
                &["libopenblas-dev", "liblapack-dev", "gfortran"],
                &["libopenblas0"],
                &["openblas-dev", "gfortran"],
                &["openblas"],
            ),
        ),
    ];
    known.iter().find(|(names, _)| names.contains(&name)).map(|(_, need)| *need)
}

/// The package of a command that a build calls.
pub fn for_command(name: &str) -> Option<Need> {
    let known: &[(&[&str], Need)] = &[
        (&["gcc", "cc", "g++", "c++", "make", "x86_64-linux-gnu-gcc", "ld", "as", "ar"], compiler()),
        (&["cmake"], need(&["cmake", "build-essential"], &[], &["cmake", "build-base"], &[])),
        (&["pkg-config"], need(&["pkg-config"], &[], &["pkgconf"], &[])),
        (
            &["autoreconf", "autoconf", "automake", "aclocal", "libtoolize"],
            need(
                &["autoconf", "automake", "libtool", "pkg-config"],
                &[],
                &["autoconf", "automake", "libtool", "pkgconf"],
                &[],
            ),
        ),
        (&["autopoint"], need(&["autopoint", "gettext"], &[], &["gettext-dev"], &[])),
        (&["bison"], need(&["bison"], &[], &["bison"], &[])),
        (&["flex"], need(&["flex"], &[], &["flex"], &[])),
        (&["swig"], need(&["swig"], &[], &["swig"], &[])),
        (&["gfortran"], need(&["gfortran"], &[], &["gfortran"], &[])),
        (&["protoc"], need(&["protobuf-compiler"], &[], &["protobuf-dev"], &[])),
        (&["libclang"], need(&["libclang-dev", "clang"], &[], &["clang-dev"], &[])),
        (&["cargo", "rustc"], need(&["cargo", "rustc", "build-essential"], &[], &["cargo", "rust", "build-base"], &[])),
        (&["pg_config"], POSTGRES),
        (&["mysql_config"], MYSQL),
        (&["xslt-config", "xml2-config"], XML),
        (&["gdal-config"], GDAL),
        (&["geos-config"], GEOS),
        (&["curl-config"], CURL),
        (&["git"], need(&["git"], &[], &["git"], &[])),
        (&["python3", "python"], need(&["python3"], &[], &["python3"], &[])),
    ];
    known.iter().find(|(names, _)| names.contains(&name)).map(|(_, need)| *need)
}

/// The package whose library has the file name `name` (`libGL.so.1`), for running only.
pub fn for_shared_object(name: &str) -> Option<Need> {
    let known: &[(&str, &'static [&'static str], &'static [&'static str])] = &[
        ("libGL.so.1", &["libgl1"], &["mesa-gl"]),
        // What .NET calls it: of its images only those on Alpine come without.
        ("libicu", &[], &["icu-libs"]),
        ("libglib-2.0.so.0", &["libglib2.0-0"], &["glib"]),
        ("libgthread-2.0.so.0", &["libglib2.0-0"], &["glib"]),
        (
            "libgobject-2.0.so.0",
            &["libglib2.0-0", "libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"],
            &["glib", "pango"],
        ),
        (
            "libgobject-2.0-0",
            &["libglib2.0-0", "libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"],
            &["glib", "pango"],
        ),
        ("libpango-1.0-0", &["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"], &["pango"]),
        ("libpango-1.0.so.0", &["libpango-1.0-0", "libpangoft2-1.0-0"], &["pango"]),
        ("libpangocairo-1.0.so.0", &["libpangocairo-1.0-0"], &["pango"]),
        ("libcairo.so.2", &["libcairo2"], &["cairo"]),
        ("libgdk_pixbuf-2.0.so.0", &["libgdk-pixbuf-2.0-0"], &["gdk-pixbuf"]),
        ("libpq.so.5", &["libpq5"], &["libpq"]),
        ("libgomp.so.1", &["libgomp1"], &["libgomp"]),
        ("libmagic.so.1", &["libmagic1"], &["libmagic"]),
        ("libmagic", &["libmagic1"], &["libmagic"]),
        ("libmariadb.so.3", &["libmariadb3"], &["mariadb-connector-c"]),
        ("libldap-2.5.so.0", &["libldap-2.5-0"], &[]),
        ("libldap-2.4.so.2", &["libldap-2.4-2"], &[]),
        ("libldap.so.2", &["libldap2"], &["libldap"]),
        ("liblber-2.5.so.0", &["libldap-2.5-0"], &[]),
        ("liblber.so.2", &["libldap2"], &["libldap"]),
        ("libsasl2.so.2", &["libsasl2-2"], &["libsasl"]),
        ("libxml2.so.2", &["libxml2"], &["libxml2"]),
        ("libxslt.so.1", &["libxslt1.1"], &["libxslt"]),
        ("libexslt.so.0", &["libxslt1.1"], &["libxslt"]),
        ("libjpeg.so.62", &["libjpeg62-turbo"], &[]),
        ("libjpeg.so.8", &[], &["libjpeg-turbo"]),
        ("libodbc.so.2", &["unixodbc"], &["unixodbc"]),
        ("libxmlsec1-openssl.so.1", &["libxmlsec1-openssl"], &["xmlsec"]),
        ("libcurl.so.4", &["libcurl4"], &["libcurl"]),
        ("libsodium.so.23", &["libsodium23"], &["libsodium"]),
        ("libyaml-0.so.2", &["libyaml-0-2"], &["yaml"]),
        ("libportaudio.so.2", &["libportaudio2"], &["portaudio"]),
        ("libsndfile.so.1", &["libsndfile1"], &["libsndfile"]),
        ("libsndfile.so", &["libsndfile1"], &["libsndfile"]),
        ("libgeos_c.so.1", &["libgeos-c1v5"], &["geos"]),
        ("libzbar.so.0", &["libzbar0"], &["zbar"]),
        ("libusb-1.0.so.0", &["libusb-1.0-0"], &["libusb"]),
        ("libgssapi_krb5.so.2", &["libgssapi-krb5-2"], &["krb5-libs"]),
        ("libSM.so.6", &["libsm6"], &["libsm"]),
        ("libXext.so.6", &["libxext6"], &["libxext"]),
        ("libXrender.so.1", &["libxrender1"], &["libxrender"]),
        ("libX11.so.6", &["libx11-6"], &["libx11"]),
        ("libxcb.so.1", &["libxcb1"], &["libxcb"]),
        ("libsqlite3.so.0", &["libsqlite3-0"], &["sqlite-libs"]),
        ("libssl.so.3", &["libssl3"], &["libssl3"]),
        ("libstdc++.so.6", &["libstdc++6"], &["libstdc++"]),
        ("libgcc_s.so.1", &["libgcc-s1"], &["libgcc"]),
        ("libatomic.so.1", &["libatomic1"], &["libatomic"]),
        ("libsybdb.so.5", &["libsybdb5"], &["freetds"]),
        ("librdkafka.so.1", &["librdkafka1"], &["librdkafka"]),
        ("libtesseract.so.5", &["libtesseract5"], &["tesseract-ocr"]),
        ("libffi.so.8", &["libffi8"], &["libffi"]),
        ("libffi.so.7", &["libffi7"], &[]),
        ("libnss3.so", &["libnss3"], &["nss"]),
        ("libasound.so.2", &["libasound2"], &["alsa-lib"]),
        ("libatk-1.0.so.0", &["libatk1.0-0"], &["at-spi2-core"]),
        ("libgbm.so.1", &["libgbm1"], &["mesa-gbm"]),
    ];
    known.iter().find(|(file, ..)| *file == name).map(|(_, apt, apk)| need(&[], apt, &[], apk))
}
