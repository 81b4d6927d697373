//! Amazon ECR, at a strict stand-in for STS, the control plane and the registry, which AWS's own SDK asks.

use sealwright_core::ImageRef;
use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{Authority, Job, workflow_claims};
use sealwright_loopback::aws::{Account, Effect, Fault, Role};
use sealwright_loopback::registry::Tags;
use sealwright_registry::{Client, Credentials, Login, Options, RegistryError};
use sealwright_sign::KeySigner;
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

const ROLE: &str = "arn:aws:iam::111122223333:role/release";
const KEY: [&str; 4] = ["--key", "key.pem", "--transparency", "none"];

struct Cloud {
    scene: Scene,
    account: Account,
    authority: Authority,
    source: String,
}

impl Cloud {
    fn new() -> Self {
        let scene = Scene::new();
        let authority = Authority::start().expect("authority");
        let account = Account::start(&authority).expect("account");
        account.create("shop/app");
        scene.write("ca.pem", account.ca_certificate());
        scene.write("policy.yaml", crate::scene::POLICY.replace("127.0.0.1:*/**", "*.amazonaws.com/**"));
        let source = scene.image("image", "1.4-r0");
        Self { scene, account, authority, source }
    }

    fn repository(&self) -> String {
        format!("{}/shop/app", self.account.host())
    }

    /// A role with these permissions, for the workflow of `acme/shop` on `main`.
    fn role(&self, arn: &str, permissions: Value) {
        let subjects = vec!["repo:acme/shop:ref:refs/heads/main".to_owned()];
        self.account.add_role(Role { arn: arn.to_owned(), subjects, permissions });
    }

    fn job(&self, claims: &Value) -> Job {
        self.authority.job(claims).expect("job")
    }

    /// With nobody's credentials.
    fn run(&self, more: &[(&str, &str)], arguments: &[&str]) -> Said {
        let ca = self.scene.path().join("ca.pem").display().to_string();
        let variables = self.account.variables();
        let mut all: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // No other source of credentials may be looked for: it would be asked over the network.
        all.extend([("AWS_EC2_METADATA_DISABLED", "true"), ("SSL_CERT_FILE", ca.as_str())]);
        all.extend(more);
        self.scene.run_with(&all, arguments)
    }

    /// As the user who may do everything.
    fn run_as_user(&self, arguments: &[&str]) -> Said {
        let user = self.account.user();
        let user: Vec<(&str, &str)> = user.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.run(&user, arguments)
    }

    /// In a job of GitHub Actions.
    fn run_in(&self, job: &Job, arguments: &[&str]) -> Said {
        let url = ("ACTIONS_ID_TOKEN_REQUEST_URL", job.request_url.as_str());
        let token = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token.as_str());
        self.run(&[("GITHUB_ACTIONS", "true"), url, token], arguments)
    }

    fn seal<'a>(&'a self, source: &'a str, push: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["seal", source, "--push", push, "--policy", "policy.yaml", "--db", "db"][..], &KEY, more].concat()
    }

    /// What changed the registry.
    fn writes(&self) -> usize {
        let requests = self.account.registry().requests();
        requests.iter().filter(|r| !["GET", "HEAD"].contains(&r.method.as_str()) && r.status < 300).count()
    }

    /// The password of the first request about a repository that had one.
    fn password_used_for(&self, repository: &str) -> String {
        let requests = self.account.registry().requests();
        let about = requests.iter().filter(|r| r.path.starts_with(&format!("/v2/{repository}/")));
        let header = about.into_iter().find_map(|r| r.authorization.clone()).expect("a login");
        let login = decoded(header.strip_prefix("Basic ").expect("Basic"));
        login.strip_prefix("AWS:").expect("AWS").to_owned()
    }

    /// A client of the registry by its address on loopback.
    fn client(&self, password: String) -> Client {
        let password = sealwright_core::Redacted::new(password);
        let login = Login::Password { user: "AWS".to_owned(), password };
        let credentials = Credentials::default().with_login(&self.account.registry().host(), login);
        Client::new(Options { credentials, ..Options::default() }).expect("client")
    }
}

fn everything() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "ecr:*", "Resource": "*" }] })
}

/// The permissions that the guide calls the least.
fn guide_permissions() -> Value {
    let guide = guide();
    let blocks = guide.split("```json\n").skip(1).filter_map(|block| block.split("```").next());
    let block = blocks.into_iter().find(|block| block.contains("ecr:PutImage")).expect("permissions");
    serde_json::from_str(block).expect("the guide's permissions")
}

fn guide() -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/ecr.md");
    String::from_utf8(read_file(&file, 1 << 20).expect("guide")).expect("text")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(work)
}

#[test]
fn a_user_seals_signs_attests_verifies_and_copies_without_a_docker_login() {
    let cloud = Cloud::new();
    let (repository, image) = (cloud.repository(), format!("{}:v1", cloud.repository()));
    cloud.run_as_user(&cloud.seal(&cloud.source, &image, &[])).expect(0, &["v1 names it now"]);
    cloud.run_as_user(&[&["sign", &image, "-a", "by=ops"][..], &KEY].concat()).expect(0, &["signed"]);
    cloud.scene.write("vex.json", "{}");
    let attest = ["attest", &image, "--type", "openvex", "--predicate", "vex.json"];
    cloud.run_as_user(&[&attest[..], &KEY].concat()).expect(0, &[]);
    let verify = ["verify", &image, "--key", "key.pub", "--transparency", "none", "--type", "openvex"];
    cloud.run_as_user(&verify).expect(0, &["verified"]);
    cloud.run_as_user(&["copy", &image, &format!("{repository}-mirror:v1")]).expect(0, &["tagged"]);
    // Nobody asks without credentials, and no secret is in what is said.
    let said = cloud.run(&[], &verify).expect(2, &["no login for", "AWS credentials", "--aws-role"]);
    assert!(!said.stderr.contains("loopback AWS"), "{}", said.stderr);
    cloud.account.fault(Fault::always("POST", "/", Effect::Status(500)));
    cloud.run_as_user(&verify).expect(5, &["ecr:GetAuthorizationToken failed"]);
}

#[test]
fn a_workflow_seals_with_its_own_identity_and_may_touch_one_repository() {
    let cloud = Cloud::new();
    cloud.role(ROLE, everything());
    let job = cloud.job(&workflow_claims());
    let image = format!("{}:v1", cloud.repository());
    cloud.run_in(&job, &cloud.seal(&cloud.source, &image, &["--aws-role", ROLE])).expect(0, &["v1 names it now"]);
    let session = "arn:aws:sts::111122223333:assumed-role/release/sealwright-acme-shop-42";
    assert_eq!(cloud.account.sessions(), [session]);
    // The password that it pushed with opens nothing else, although the role would.
    let client = cloud.client(cloud.password_used_for("shop/app"));
    let at = |name: &str| format!("{}/{name}:v1", cloud.account.registry().host()).parse().expect("reference");
    block_on(client.resolve(&at("shop/app"))).expect("its own");
    let error = block_on(client.resolve(&at("shop/other"))).expect_err("another repository");
    assert!(
        matches!(error, RegistryError::Denied { .. }) && error.to_string().contains("no session policy"),
        "{error}"
    );
}

#[test]
fn what_a_role_copies_from_it_may_only_read() {
    let cloud = Cloud::new();
    cloud.role(ROLE, everything());
    let image = format!("{}:v1", cloud.repository());
    cloud.run_as_user(&cloud.seal(&cloud.source, &image, &[])).expect(0, &[]);
    cloud.account.registry().forget_requests();
    let mirror = format!("{}/mirror/app:v1", cloud.account.host());
    let job = cloud.job(&workflow_claims());
    cloud.run_in(&job, &["copy", &image, &mirror, "--aws-role", ROLE]).expect(0, &["tagged"]);
    for (name, may_write) in [("shop/app", false), ("mirror/app", true)] {
        let client = cloud.client(cloud.password_used_for(name));
        let reference: ImageRef = format!("{}/{name}:v1", cloud.account.registry().host()).parse().expect("reference");
        let (pinned, descriptor, bytes) = block_on(client.resolve(&reference)).expect("it may read");
        let written = block_on(client.tag(&pinned, "v2", &descriptor.media_type, &bytes));
        assert_eq!(written.is_ok(), may_write, "{name}: {written:?}");
        assert!(may_write || matches!(written, Err(RegistryError::Denied { .. })), "{name}: {written:?}");
    }
}

#[test]
fn the_permissions_of_the_guide_suffice_and_each_of_them_is_needed() {
    let whole = guide_permissions();
    let with = |permissions: Value| {
        let cloud = Cloud::new();
        cloud.role(ROLE, permissions);
        let job = cloud.job(&workflow_claims());
        let image = format!("{}:v1", cloud.repository());
        let flags = ["--aws-role", ROLE, "--timeout", "5s"];
        let first = cloud.run_in(&job, &cloud.seal(&cloud.source, &image, &flags));
        if first.code != 0 {
            return first;
        }
        let other = cloud.scene.image("other", "1.4-r1");
        cloud.run_in(&job, &cloud.seal(&other, &image, &flags))
    };
    let said = with(whole.clone()).expect(0, &["will be moved"]);
    assert!(!said.stderr.contains("not known"), "{}", said.stderr);
    let actions = whole["Statement"][1]["Action"].as_array().expect("actions").clone();
    assert_eq!(actions.len(), 8);
    for action in &actions {
        let mut fewer = whole.clone();
        fewer["Statement"][1]["Action"].as_array_mut().expect("actions").retain(|one| one != action);
        let action = action.as_str().expect("action");
        match action {
            // Without it one goes on.
            "ecr:DescribeRepositories" => with(fewer)
                .expect(0, &["warning: it is not known whether tags", "ecr:DescribeRepositories is not permitted"]),
            // Layers are asked for and sent again where the registry does not say.
            "ecr:GetDownloadUrlForLayer" => {
                with(fewer).expect(5, &["not authorized to perform: ecr:GetDownloadUrlForLayer"])
            }
            _ => with(fewer).expect(5, &["denied"]),
        };
    }
    let mut none = whole;
    none["Statement"].as_array_mut().expect("statements").remove(0);
    with(none).expect(2, &["ecr:GetAuthorizationToken is not permitted"]);
}

#[test]
fn a_role_is_given_to_nobody_whom_it_does_not_trust() {
    let cloud = Cloud::new();
    cloud.role(ROLE, everything());
    let image = format!("{}:v1", cloud.repository());
    let seal = |job: &Job, role| cloud.run_in(job, &cloud.seal(&cloud.source, &image, &["--aws-role", role]));
    let mut fork = workflow_claims();
    fork["sub"] = json!("repo:acme/shop:pull_request");
    seal(&cloud.job(&fork), ROLE).expect(2, &["sts:AssumeRoleWithWebIdentity is not permitted", "AccessDenied"]);
    let job = cloud.job(&workflow_claims());
    seal(&job, "arn:aws:iam::111122223333:role/admin").expect(2, &["AccessDenied"]);
    seal(&job, "arn:aws-cn:iam::111122223333:role/release").expect(2, &["partition aws-cn", "of aws"]);
    seal(&job, "release").expect(2, &["expected arn:aws:iam::ACCOUNT:role/NAME"]);
    // Another issuer's token.
    let stranger = Authority::start().expect("authority");
    seal(&stranger.job(&workflow_claims()).expect("job"), ROLE).expect(2, &["InvalidIdentityToken"]);
    // No secret goes to a plain address.
    let url = ("ACTIONS_ID_TOKEN_REQUEST_URL", job.request_url.as_str());
    let token = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token.as_str());
    let plain = [url, token, ("AWS_ENDPOINT_URL_STS", "http://sts.example")];
    let said = cloud.run(&plain, &cloud.seal(&cloud.source, &image, &["--aws-role", ROLE]));
    said.expect(2, &["http://sts.example/ is a plain address"]);
    // Outside of a job.
    cloud.run_as_user(&cloud.seal(&cloud.source, &image, &["--aws-role", ROLE])).expect(2, &["GitHub Actions job"]);
    let without = cloud.run(&[("GITHUB_ACTIONS", "true")], &cloud.seal(&cloud.source, &image, &["--aws-role", ROLE]));
    without.expect(2, &["permissions: id-token: write"]);
    assert_eq!((cloud.writes(), cloud.account.sessions().len()), (0, 0));
}

#[test]
fn what_aws_gives_a_step_of_an_action_is_masked() {
    let cloud = Cloud::new();
    cloud.role(ROLE, everything());
    let tokens = cloud.job(&workflow_claims());
    let push = format!("{}:v1", cloud.repository());
    let Cloud { scene, account, authority: _authority, source } = cloud;
    let mut job = crate::action::Job::of(scene);
    let ca = job.scene.path().join("ca.pem").display().to_string();
    for (name, value) in account.variables() {
        job.runner.set(name, &value);
    }
    for (name, value) in [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("SSL_CERT_FILE", ca.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", tokens.request_url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", tokens.request_token.as_str()),
    ] {
        job.runner.set(name, value);
    }
    let done = job.run(&[
        ("command", "seal"),
        ("source", &source),
        ("push", &push),
        ("policy", "policy.yaml"),
        ("db", "db"),
        ("key", "key.pem"),
        ("transparency", "none"),
        ("aws-role", ROLE),
    ]);
    let done = done.expect(0);
    // The token for STS, the session's three parts, and the password of the registry.
    let login =
        account.registry().requests().iter().find_map(|request| request.authorization.clone()).expect("a login");
    let login = decoded(login.strip_prefix("Basic ").expect("Basic"));
    let password = login.strip_prefix("AWS:").expect("AWS");
    let masks = &done.log.masks;
    assert!(masks.iter().any(|mask| mask == password), "{masks:?}");
    assert!(
        masks.iter().any(|mask| mask.starts_with("eyJ")) && masks.iter().any(|mask| mask.starts_with("ASIA")),
        "{masks:?}"
    );
    let lines = done.log.lines.join("\n");
    assert!(!lines.contains("***") && masks.iter().all(|mask| !lines.contains(mask.as_str())), "{lines}");
}

#[test]
fn a_role_of_another_account_has_to_be_let_in_by_the_repository() {
    let cloud = Cloud::new();
    let role = "arn:aws:iam::444455556666:role/ci/release";
    cloud.role(role, everything());
    let job = cloud.job(&workflow_claims());
    let image = format!("{}:v1", cloud.repository());
    let seal = || cloud.run_in(&job, &cloud.seal(&cloud.source, &image, &["--aws-role", role]));
    seal().expect(5, &["the registry denied it (403)"]);
    cloud.account.let_in("444455556666");
    seal().expect(0, &["v1 names it now"]);
    assert!(
        cloud.account.sessions().iter().all(|arn| arn.starts_with("arn:aws:sts::444455556666:assumed-role/release/"))
    );
}

#[test]
fn what_an_immutable_tag_refuses_is_said_before_anything_is_sent() {
    let cloud = Cloud::new();
    let image = format!("{}:v1", cloud.repository());
    cloud.account.set_tags(Tags::Immutable).expect("mode");
    cloud.run_as_user(&cloud.seal(&cloud.source, &image, &[])).expect(0, &["v1 names it now"]);
    let other = cloud.scene.image("other", "1.4-r1");
    let words = ["names sha256:", "nothing was sent", "are IMMUTABLE", "another tag"];
    let before = cloud.writes();
    cloud.run_as_user(&cloud.seal(&other, &image, &[])).expect(2, &words);
    assert_eq!(cloud.writes(), before);
    let staged = format!("{}/stage/app:v1", cloud.account.host());
    cloud.run_as_user(&cloud.seal(&other, &staged, &[])).expect(0, &[]);
    let staged_writes = cloud.writes();
    cloud.run_as_user(&["copy", &staged, &image]).expect(2, &words);
    assert_eq!(cloud.writes(), staged_writes);
    // Whoever may not read the mode is told the same by the registry, later.
    cloud.role(ROLE, json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["ecr:Get*", "ecr:Batch*", "ecr:*Upload*", "ecr:PutImage"], "Resource": "*" }] }));
    let job = cloud.job(&workflow_claims());
    let said = cloud.run_in(&job, &cloud.seal(&other, &image, &["--aws-role", ROLE]));
    said.expect(2, &["warning: it is not known whether tags", "names sha256:"]);
}

/// One row of the guide's table.
struct Mode {
    tags: Tags,
    release_tag: String,
    referrers: String,
    legacy: String,
}

fn table() -> Vec<Mode> {
    let guide = guide();
    let rows = guide.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let filters: Vec<String> = cells[1].split(' ').map(|f| f.trim_matches('`').to_owned()).collect();
        let tags = match cells[0].trim_matches('`') {
            "MUTABLE" => Tags::Mutable,
            "MUTABLE_WITH_EXCLUSION" => Tags::MutableWithExclusion(filters),
            "IMMUTABLE_WITH_EXCLUSION" => Tags::ImmutableWithExclusion(filters),
            other => {
                assert_eq!(other, "IMMUTABLE");
                Tags::Immutable
            }
        };
        let [release_tag, referrers, legacy] = [cells[2], cells[3], cells[4]].map(str::to_owned);
        Mode { tags, release_tag, referrers, legacy }
    })
    .collect()
}

#[test]
fn the_table_of_tag_modes_in_the_guide_is_true() {
    let table = table();
    assert_eq!(table.len(), 6);
    for Mode { tags, release_tag, referrers, legacy } in table {
        let cloud = Cloud::new();
        cloud.account.set_tags(tags.clone()).expect("filters that ECR takes");
        let image = format!("{}:v1", cloud.repository());
        let word = |works: bool, yes: &'static str| if works { yes } else { "refused" };

        // Sealed twice, and signed and attested by a second writer.
        cloud.run_as_user(&cloud.seal(&cloud.source, &image, &[])).expect(0, &[]);
        cloud.run_as_user(&cloud.seal(&cloud.source, &image, &[])).expect(0, &[]);
        let (second, private) = KeySigner::generate().expect("key");
        cloud.scene.write("second.pem", private.expose());
        cloud.scene.write("second.pub", second.public_pem());
        cloud.scene.write("vex.json", "{}");
        let by_second = ["--key", "second.pem", "--transparency", "none"];
        let signed = cloud.run_as_user(&[&["sign", &image][..], &by_second].concat());
        let attest = ["attest", &image, "--type", "openvex", "--predicate", "vex.json"];
        let attested = cloud.run_as_user(&[&attest[..], &by_second].concat());
        assert_eq!(referrers, word(signed.code == 0 && attested.code == 0, "works"), "{tags:?}\n{}", attested.stderr);
        for key in ["key.pub", "second.pub"] {
            cloud.run_as_user(&["verify", &image, "--key", key, "--transparency", "none"]).expect(0, &["verified"]);
        }

        let works = legacy_writers(&cloud, &image);
        assert_eq!(legacy, word(works, "works"), "{tags:?}");

        let other = cloud.scene.image("other", "1.4-r1");
        let moved = cloud.run_as_user(&cloud.seal(&other, &image, &[]));
        assert_eq!(release_tag, word(moved.code == 0, "moves"), "{tags:?}\n{}", moved.stderr);
        assert!([0, 2].contains(&moved.code), "{}", moved.stderr);
    }
}

/// Two writers of cosign's older layout: whoever seals, and the holder of a second key. Gives whether the second may sign and
/// attest; the first always may, also again. What is refused is said before anything is signed or sent.
fn legacy_writers(cloud: &Cloud, image: &str) -> bool {
    let legacy = |arguments: &[&str]| cloud.run_as_user(&[arguments, &["--format", "legacy"]].concat());
    for word in ["signed", "kept"] {
        legacy(&cloud.seal(&cloud.source, image, &[])).expect(0, &[word]);
    }
    let by_second = ["--key", "second.pem", "--transparency", "none"];
    let attest = ["attest", image, "--type", "openvex", "--predicate", "vex.json"];
    let results = [&["sign", image][..], &attest].map(|verb| {
        let before = cloud.writes();
        let said = legacy(&[verb, &by_second].concat());
        if said.code != 0 {
            assert_eq!(cloud.writes(), before);
            said.expect(2, &["cannot be added to", "nothing was signed", "bundles as referrers need no tag"]);
            return false;
        }
        true
    });
    assert_eq!(results[0], results[1], "both tags have one column");
    results[0]
}

#[test]
fn a_login_is_written_for_other_programs_and_is_used_by_us() {
    let cloud = Cloud::new();
    let image = format!("{}:v1", cloud.repository());
    cloud.run_as_user(&cloud.seal(&cloud.source, &image, &[])).expect(0, &[]);
    let verify = ["verify", &image, "--key", "key.pub", "--transparency", "none"];
    cloud.run(&[], &verify).expect(2, &["no login for"]);
    let said = cloud.run_as_user(&["login", cloud.account.host()]).expect(0, &["wrote the login for", "config.json"]);
    let file = cloud.scene.path().join(".docker/config.json");
    let written: Value = serde_json::from_slice(&read_file(&file, 1 << 20).expect("file")).expect("JSON");
    let auth = written["auths"][cloud.account.host()]["auth"].as_str().expect("login").to_owned();
    assert!(decoded(&auth).starts_with("AWS:"));
    assert!(!said.stderr.contains(&auth) && !said.stderr.contains(&decoded(&auth)[4..]), "{}", said.stderr);
    let asked = cloud.account.requests().len();
    cloud.run(&[], &verify).expect(0, &["verified"]);
    assert_eq!(cloud.account.requests().len(), asked, "the file's login counts");

    // A role's session is for the whole registry here.
    cloud.role(ROLE, everything());
    let job = cloud.job(&workflow_claims());
    cloud.run_in(&job, &["login", cloud.account.host(), "--aws-role", ROLE]).expect(0, &["wrote"]);
    cloud.run(&[], &verify).expect(0, &["verified"]);

    cloud.run_as_user(&["login", "public.ecr.aws"]).expect(0, &["wrote the login for public.ecr.aws"]);
    let written: Value = serde_json::from_slice(&read_file(&file, 1 << 20).expect("file")).expect("JSON");
    assert!(decoded(written["auths"]["public.ecr.aws"]["auth"].as_str().expect("login")).starts_with("AWS:"));
    assert!(written["auths"][cloud.account.host()].is_object());

    cloud
        .run_as_user(&["login", cloud.account.host(), "--username", "u", "--password-stdin"])
        .expect(2, &["Amazon ECR"]);
    cloud.run_as_user(&["login", "registry.example"]).expect(2, &["--username USER and --password-stdin"]);
    cloud.run_as_user(&["login", "https://registry.example"]).expect(2, &["HOST[:PORT]"]);
    // stdin is empty here.
    let login = ["login", "registry.example", "--username", "u", "--password-stdin"];
    cloud.run_as_user(&login).expect(2, &["password on stdin is empty"]);
    let helper = json!({ "credHelpers": { cloud.account.host(): "ecr-login" } }).to_string();
    cloud.scene.write(".docker/config.json", &helper);
    let asked = cloud.account.requests().len();
    cloud.run_as_user(&["login", cloud.account.host()]).expect(2, &["docker-credential-ecr-login"]);
    assert_eq!(cloud.account.requests().len(), asked, "nobody was asked for a password that has no place");
    assert_eq!(read_file(&file, 1 << 20).expect("file"), helper.as_bytes());
}

#[test]
fn a_password_of_another_registry_comes_from_stdin() {
    let scene = Scene::new();
    let login = ["login", "registry.example:5000", "--username", "robot", "--password-stdin"];
    scene.run_with_input(&login, "p:ss\n").expect(0, &["wrote the login for registry.example:5000"]);
    let file = read_file(&scene.path().join(".docker/config.json"), 1 << 20).expect("file");
    let written: Value = serde_json::from_slice(&file).expect("JSON");
    assert_eq!(decoded(written["auths"]["registry.example:5000"]["auth"].as_str().expect("login")), "robot:p:ss");
}

fn decoded(base64: &str) -> String {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(base64).expect("base64")).expect("text")
}
