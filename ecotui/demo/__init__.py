"""The embedded world of `ecotui demo`: an AWS, a GitHub and a Kubernetes API on loopback ports, in one process.

To use it by hand (real terraform, kubectl, gh and aws work against it):

    ecotui demo --prepare-only            # starts the world and prints `export ...` lines; Ctrl-C ends it
    (paste the lines into another shell)
    cd "$ECOTUI_DEMO_PROJECT" && ecotui check
    terraform -chdir=terraform init && terraform -chdir=terraform plan

What is where:

    running.py     the owner's side: starts the world, waits for it, leaves no process and no file
    world.py       the process: starts everything, prints one ready line, ends with its parent
    home.py        the temporary home: folders, AWS profile, CLI settings, the project's copy
    environment.py what a child of the demo may see; nothing of the user's credentials leaks in
    providers.py   where terraform gets its AWS provider from
    leftovers.py   the broken beginning, made through boto3 like any other change
    cluster.py     which nodes have joined Kubernetes: a view of the running instances
    tools.py       which of terraform, kubectl and gh are real here
    pace.py        how long the waits are
    aws/           moto, and what it lacks
    github/, kubernetes/, standins/   the other two APIs, and executables for what is not installed
    auto.py        `ecotui demo --auto`: the whole rebuild, unattended
"""
